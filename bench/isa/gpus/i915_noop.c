/*
 * An Intel GPU that is not there, for Mesa's Vulkan driver ANV to compile for: by LD_PRELOAD, a kernel driver i915 of
 * which nothing runs. Debian packages Mesa's such libraries for other vendors, but not Intel's. It stands on that of
 * nouveau, which is preloaded after it and makes up the device node, its files and the memory of buffers; this one
 * answers what is asked of i915 and says whose the device is.
 *
 * INTEL_CHIP names one of `chips`. What the structures mean is said in the kernel's header i915_drm.h. Written after
 * reading Mesa's own, src/intel/tools/intel_noop_drm_shim.c (MIT license).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <drm.h>
#include <i915_drm.h>
#include <nouveau_drm.h>

#define DRM_MAJOR 226
#define PAGE 4096ull

struct Chip {
  const char *name;
  int pciId;
  int slices;
  int subslices; /* of a slice */
  int units;     /* execution units of a subslice */
  int timestampHz;
  int ownMemory;
};

static const struct Chip chips[] = {
    {"skl", 0x1912, 1, 3, 8, 12000000, 0},  /* HD 530 */
    {"cfl", 0x3e92, 1, 3, 8, 12000000, 0},  /* UHD 630 */
    {"icl", 0x8a52, 1, 8, 8, 12000000, 0},  /* Iris Plus G7 */
    {"tgl", 0x9a49, 1, 6, 16, 19200000, 0}, /* Iris Xe */
    {"adl", 0x46a6, 1, 6, 16, 19200000, 0}, /* Iris Xe of Alder Lake */
    {"dg2", 0x56a0, 8, 4, 16, 19200000, 1}, /* Arc A770 */
    {"mtl", 0x7d55, 2, 4, 16, 19200000, 0}, /* Arc of Meteor Lake */
};

static const struct Chip *chip(void) {
  const char *name = getenv("INTEL_CHIP");
  for (size_t i = 0; name && i < sizeof chips / sizeof *chips; i++) {
    if (!strcmp(chips[i].name, name)) return &chips[i];
  }
  fprintf(stderr, "i915_noop: INTEL_CHIP is not one of those known: %s\n", name ? name : "(not set)");
  abort();
}

static int nouveau(int fd, unsigned long request, void *argument) {
  static int (*next)(int, unsigned long, ...);
  if (!next) next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  return next(fd, request, argument);
}

static int isCard(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && major(status.st_rdev) == DRM_MAJOR;
}

/* Buffers are nouveau's. */
static int createBuffer(int fd, uint64_t size, uint32_t *handle) {
  struct drm_nouveau_gem_new new = {.info = {.domain = NOUVEAU_GEM_DOMAIN_VRAM}, .align = PAGE};
  new.info.size = (size + PAGE - 1) / PAGE * PAGE;
  int result = nouveau(fd, DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_NEW, struct drm_nouveau_gem_new), &new);
  *handle = new.info.handle;
  return result;
}

static int findBuffer(int fd, uint32_t handle, struct drm_nouveau_gem_info *info) {
  *info = (struct drm_nouveau_gem_info){.handle = handle};
  return nouveau(fd, DRM_IOWR(DRM_COMMAND_BASE + DRM_NOUVEAU_GEM_INFO, struct drm_nouveau_gem_info), info);
}

static int mapBuffer(int fd, struct drm_i915_gem_mmap *map) {
  struct drm_nouveau_gem_info info;
  if (findBuffer(fd, map->handle, &info)) return -1;
  size_t size = map->size ? map->size : info.size;
  void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)info.map_handle);
  if (at == MAP_FAILED) return -1;
  map->addr_ptr = (uintptr_t)at + map->offset;
  return 0;
}

/* Where a driver is to map a buffer by itself. */
static int offsetOfBuffer(int fd, struct drm_i915_gem_mmap_offset *map) {
  struct drm_nouveau_gem_info info;
  int result = findBuffer(fd, map->handle, &info);
  map->offset = info.map_handle;
  return result;
}

/* Answers are asked for twice: first for their length, then, with room for them, for themselves. */
static void *roomFor(struct drm_i915_query_item *item, int length) {
  void *room = item->length ? (void *)(uintptr_t)item->data_ptr : NULL;
  item->length = length;
  return room ? memset(room, 0, length) : NULL;
}

static int bytesOfBits(int bits) { return (bits + 7) / 8; }

/* Bits for what a chip has: slices, then subslices of each, then execution units of each of those; all are there. */
static void queryTopology(struct drm_i915_query_item *item) {
  const struct Chip *c = chip();
  int subslices = bytesOfBits(c->slices);
  int units = subslices + c->slices * bytesOfBits(c->subslices);
  int end = units + c->slices * c->subslices * bytesOfBits(c->units);
  struct drm_i915_query_topology_info *info = roomFor(item, sizeof *info + end);
  if (!info) return;
  info->max_slices = c->slices;
  info->max_subslices = c->subslices;
  info->max_eus_per_subslice = c->units;
  info->subslice_offset = subslices;
  info->subslice_stride = bytesOfBits(c->subslices);
  info->eu_offset = units;
  info->eu_stride = bytesOfBits(c->units);
  /* No chip has more than 8 slices, or 8 subslices of one; all have whole bytes of units. */
  info->data[0] = (1 << c->slices) - 1;
  memset(info->data + subslices, (1 << c->subslices) - 1, units - subslices);
  memset(info->data + units, 0xff, end - units);
}

static void queryEngines(struct drm_i915_query_item *item) {
  struct drm_i915_query_engine_info *info = roomFor(item, sizeof *info + 2 * sizeof *info->engines);
  if (!info) return;
  info->num_engines = 2;
  info->engines[0].engine.engine_class = I915_ENGINE_CLASS_RENDER;
  info->engines[1].engine.engine_class = I915_ENGINE_CLASS_COPY;
}

static void queryMemory(struct drm_i915_query_item *item) {
  const uint64_t size = 8ull << 30;
  int count = chip()->ownMemory ? 2 : 1;
  struct drm_i915_query_memory_regions *info = roomFor(item, sizeof *info + count * sizeof *info->regions);
  if (!info) return;
  info->num_regions = count;
  for (int i = 0; i < count; i++) {
    struct drm_i915_memory_region_info *region = &info->regions[i];
    region->region.memory_class = i == 0 ? I915_MEMORY_CLASS_SYSTEM : I915_MEMORY_CLASS_DEVICE;
    region->probed_size = region->unallocated_size = size;
    region->probed_cpu_visible_size = region->unallocated_cpu_visible_size = i == 0 ? 0 : size;
  }
}

static int query(struct drm_i915_query *all) {
  struct drm_i915_query_item *items = (void *)(uintptr_t)all->items_ptr;
  for (uint32_t i = 0; i < all->num_items; i++) {
    switch (items[i].query_id) {
      case DRM_I915_QUERY_TOPOLOGY_INFO:
      case DRM_I915_QUERY_GEOMETRY_SUBSLICES: queryTopology(&items[i]); break;
      case DRM_I915_QUERY_ENGINE_INFO: queryEngines(&items[i]); break;
      case DRM_I915_QUERY_MEMORY_REGIONS: queryMemory(&items[i]); break;
      default: items[i].length = -EINVAL;
    }
  }
  return 0;
}

/* Whatever else is asked for, the driver has: 1. */
static int parameter(int which) {
  const struct Chip *c = chip();
  switch (which) {
    case I915_PARAM_CHIPSET_ID: return c->pciId;
    case I915_PARAM_REVISION: return 8;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY: return c->timestampHz;
    case I915_PARAM_SUBSLICE_TOTAL: return c->slices * c->subslices;
    case I915_PARAM_EU_TOTAL: return c->slices * c->subslices * c->units;
    case I915_PARAM_SLICE_MASK: return (1 << c->slices) - 1;
    case I915_PARAM_SUBSLICE_MASK: return (1 << c->subslices) - 1;
    case I915_PARAM_HAS_LLC: return !c->ownMemory;
    case I915_PARAM_HAS_ALIASING_PPGTT: return 3; /* an address space of 48 bits for each context */
    case I915_PARAM_CMD_PARSER_VERSION: return 10;
    case I915_PARAM_MMAP_VERSION:
    case I915_PARAM_MMAP_GTT_VERSION: return 4;
    case I915_PARAM_PERF_REVISION: return 3;
    case I915_PARAM_NUM_FENCES_AVAIL: return 32;
    case I915_PARAM_HAS_USERPTR_PROBE:
    case I915_PARAM_HAS_SCHEDULER: return 0;
    default: return 1;
  }
}

static int contextParameter(struct drm_i915_gem_context_param *asked) {
  asked->value = asked->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48 : 0;
  return 0;
}

static int i915(int fd, unsigned command, void *argument) {
  static uint32_t contexts;
  switch (command) {
    case DRM_I915_GETPARAM: {
      drm_i915_getparam_t *asked = argument;
      *asked->value = parameter(asked->param);
      return 0;
    }
    case DRM_I915_QUERY: return query(argument);
    case DRM_I915_GEM_CREATE: {
      struct drm_i915_gem_create *new = argument;
      return createBuffer(fd, new->size, &new->handle);
    }
    case DRM_I915_GEM_CREATE_EXT: {
      struct drm_i915_gem_create_ext *new = argument;
      return createBuffer(fd, new->size, &new->handle);
    }
    case DRM_I915_GEM_USERPTR: {
      struct drm_i915_gem_userptr *new = argument;
      return createBuffer(fd, new->user_size, &new->handle);
    }
    case DRM_I915_GEM_MMAP: return mapBuffer(fd, argument);
    case DRM_I915_GEM_MMAP_GTT: return offsetOfBuffer(fd, argument);
    case DRM_I915_GEM_CONTEXT_CREATE: ((struct drm_i915_gem_context_create *)argument)->ctx_id = ++contexts; return 0;
    case DRM_I915_GEM_CONTEXT_GETPARAM: return contextParameter(argument);
    case DRM_I915_GEM_VM_CREATE: ((struct drm_i915_gem_vm_control *)argument)->vm_id = 1; return 0;
    case DRM_I915_GEM_BUSY: ((struct drm_i915_gem_busy *)argument)->busy = 0; return 0;
    case DRM_I915_GEM_GET_APERTURE: {
      struct drm_i915_gem_get_aperture *aperture = argument;
      aperture->aper_size = aperture->aper_available_size = 1ull << 32;
      return 0;
    }
    case DRM_I915_GEM_EXECBUFFER2:
    case DRM_I915_GEM_WAIT:
    case DRM_I915_GEM_SET_TILING:
    case DRM_I915_GEM_GET_TILING:
    case DRM_I915_GEM_SET_DOMAIN:
    case DRM_I915_GEM_SET_CACHING:
    case DRM_I915_GEM_GET_CACHING:
    case DRM_I915_GEM_MADVISE:
    case DRM_I915_GEM_CONTEXT_DESTROY:
    case DRM_I915_GEM_CONTEXT_SETPARAM:
    case DRM_I915_GEM_VM_DESTROY:
    case DRM_I915_GET_RESET_STATS:
    case DRM_I915_REG_READ: return 0;
    default: errno = EINVAL; return -1;
  }
}

/* Room for the texts is asked for as that of queries is. */
static int version(struct drm_version *of) {
  static const char name[] = "i915";
  const size_t length = strlen(name);
  if (of->name && of->name_len >= length) memcpy(of->name, name, length);
  of->name_len = length;
  of->date_len = of->desc_len = 0;
  of->version_major = 1;
  of->version_minor = 6;
  of->version_patchlevel = 0;
  return 0;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *argument = va_arg(list, void *);
  va_end(list);
  unsigned number = _IOC_NR(request);
  if (_IOC_TYPE(request) == DRM_IOCTL_BASE && isCard(fd)) {
    if (number == _IOC_NR(DRM_IOCTL_VERSION)) return version(argument);
    if (number >= DRM_COMMAND_BASE && number < DRM_COMMAND_END) return i915(fd, number - DRM_COMMAND_BASE, argument);
  }
  return nouveau(fd, request, argument);
}

/* A PCI device's numbers, which libdrm reads of the device's files. */
static FILE *pciFile(const char *path) {
  static const char folder[] = "/sys/dev/char/226:";
  const char *file = strncmp(path, folder, strlen(folder)) ? NULL : strstr(path, "/device/");
  if (!file) return NULL;
  file += strlen("/device/");
  int number;
  if (!strcmp(file, "vendor") || !strcmp(file, "subsystem_vendor")) number = 0x8086;
  else if (!strcmp(file, "device") || !strcmp(file, "subsystem_device")) number = chip()->pciId;
  else if (!strcmp(file, "revision")) number = 8;
  else return NULL;
  FILE *made = tmpfile();
  if (!made) return NULL;
  fprintf(made, "0x%04x\n", number);
  rewind(made);
  return made;
}

FILE *fopen(const char *path, const char *mode) {
  static FILE *(*next)(const char *, const char *);
  if (!next) next = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen");
  FILE *made = pciFile(path);
  return made ? made : next(path, mode);
}

FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }
