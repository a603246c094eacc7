/*
 * An addon of Node.js, whose one function has glibc give back to the system all that is free in its arenas; see
 * memory.ts. The declarations are those of Node-API, so that its headers are not needed.
 */
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Env *Env;
typedef struct Value *Value;
int napi_create_function(Env, const char *name, size_t length, Value (*)(Env, void *), void *, Value *out);

static Value trim(Env env, void *call) {
  (void)env;
  (void)call;
  malloc_trim(0);
  return NULL;
}

Value napi_register_module_v1(Env env, Value exports) {
  Value function;
  return napi_create_function(env, "trim", SIZE_MAX, trim, NULL, &function) == 0 ? function : exports;
}
