/*
 * Chips that are newer than what Mesa's no-op kernel drivers for NVIDIA and Apple pretend to be: preloaded in front of
 * these, it changes what they answer.
 *   NVIDIA_CHIP=0x192    the chipset's number, as the driver nouveau tells it (here Ada; 0x1b2: Blackwell), over a shim
 *                        that was told NOUVEAU_CHIPSET=0x172
 *   APPLE_CHIP=G14G      generation and variant of the GPU (here M2)
 * What the structures mean is said in Mesa's copies of the kernel's headers, nouveau_drm.h, nvif/ and asahi_drm.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#define DRM 'd'
/* Numbers of ioctls from the first one that belongs to a driver. */
#define NOUVEAU_GETPARAM 0x40
#define NOUVEAU_NVIF 0x47
#define ASAHI_GET_PARAMS 0x40

struct Parameter {
  uint64_t name;
  uint64_t value;
};
#define PARAMETER_CHIPSET 11

/* A call to an object of the driver: `data` is of what `type` says. */
struct Nvif {
  uint8_t version, type, unused[4], owner, route;
  uint64_t token, object;
  uint8_t data[];
};
#define NVIF_LIST_CLASSES 1
#define NVIF_METHOD 4
#define METHOD_DEVICE_INFO 0

struct DeviceInfo {
  uint8_t methodVersion, method, unused[6];
  uint8_t version, platform;
  uint16_t chipset;
};

struct ClassList {
  uint8_t version, count, unused[6];
  struct {
    int32_t id;
    int16_t least, most;
  } of[];
};

/* Engines of Ampere, and what they are called two generations on. */
static const struct {
  int32_t ampere, ada, blackwell;
} classes[] = {
    {0xc797, 0xc997, 0xce97}, /* 3D */
    {0xc7c0, 0xc9c0, 0xcec0}, /* compute */
    {0xc7b5, 0xc7b5, 0xcab5}, /* copying */
};
#define FIRST_BLACKWELL 0x1b0

static void renameClasses(struct ClassList *list, uint32_t chip) {
  for (int i = 0; i < list->count; i++) {
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++) {
      if (list->of[i].id != classes[c].ampere) continue;
      list->of[i].id = chip >= FIRST_BLACKWELL ? classes[c].blackwell : classes[c].ada;
      break;
    }
  }
}

static void answerOfNouveau(unsigned number, void *argument, uint32_t chip) {
  if (number == NOUVEAU_GETPARAM) {
    struct Parameter *parameter = argument;
    if (parameter->name == PARAMETER_CHIPSET) parameter->value = chip;
  } else if (number == NOUVEAU_NVIF) {
    struct Nvif *call = argument;
    struct DeviceInfo *info = (void *)call->data;
    if (call->type == NVIF_LIST_CLASSES) renameClasses((void *)call->data, chip);
    if (call->type == NVIF_METHOD && info->method == METHOD_DEVICE_INFO) info->chipset = chip;
  }
}

struct AsahiQuery {
  uint32_t group, unused;
  uint64_t pointer, size;
};

struct AsahiParameters {
  uint64_t features;
  uint32_t generation, variant, revision, chip;
};

/* name: G, the generation's two digits, the variant's letter. */
static void answerOfAsahi(unsigned number, void *argument, const char *name) {
  struct AsahiQuery *query = argument;
  if (number != ASAHI_GET_PARAMS || query->group != 0) return;
  struct AsahiParameters *parameters = (void *)(uintptr_t)query->pointer;
  parameters->generation = strtoul(name + 1, NULL, 10);
  parameters->variant = name[3];
}

int ioctl(int fd, unsigned long request, ...) {
  static int (*next)(int, unsigned long, ...);
  if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  int result = next(fd, request, argument);
  if (result != 0 || _IOC_TYPE(request) != DRM) return result;
  const char *nvidia = getenv("NVIDIA_CHIP");
  const char *apple = getenv("APPLE_CHIP");
  if (nvidia) answerOfNouveau(_IOC_NR(request), argument, strtoul(nvidia, NULL, 16));
  if (apple) answerOfAsahi(_IOC_NR(request), argument, apple);
  return result;
}
