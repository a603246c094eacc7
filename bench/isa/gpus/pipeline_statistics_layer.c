/*
 * A Vulkan layer that writes what a driver's compiler says of each compute pipeline
 * (VK_KHR_pipeline_executable_properties) to the file ISA_LOG, as bench/isa/pipeline_log.ts reads it: a line of JSON for
 * each part of a pipeline, of which a driver may make several, such as Intel's one for each width of a subgroup, with
 * its statistics and, where the driver tells it, its machine code.
 *
 * ISA_VENDOR=0x106b replaces the vendor of all GPUs: Mesa's driver of Apple's says 0x10005, Mesa, by which Dawn and
 * this project would not know whose GPU it is.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

/* An instance or a device. Never freed: a new one with the key of an old one stands in front of it. */
struct Known {
  void *key;
  VkInstance instance;
  PFN_vkGetInstanceProcAddr instanceProc;
  PFN_vkGetDeviceProcAddr deviceProc;
  struct Known *older;
};

static struct Known *newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Handles begin with the loader's table of functions, which a device shares with its queues. */
static void *keyOf(void *handle) { return *(void **)handle; }

static const struct Known *find(void *handle) {
  pthread_mutex_lock(&lock);
  const struct Known *known = newest;
  while (known->key != keyOf(handle)) known = known->older;
  pthread_mutex_unlock(&lock);
  return known;
}

static void remember(struct Known known) {
  struct Known *kept = malloc(sizeof *kept);
  if (!kept) abort();
  pthread_mutex_lock(&lock);
  known.older = newest;
  *kept = known;
  newest = kept;
  pthread_mutex_unlock(&lock);
}

/* The next layer's function, or the driver's. */
#define OF_INSTANCE(known, name) ((PFN_##name)(known)->instanceProc((known)->instance, #name))
#define OF_DEVICE(device, name) ((PFN_##name)find(device)->deviceProc(device, #name))

/* What the loader says of the next layer. */
static void *linkOf(const void *chain, VkStructureType type) {
  VkLayerInstanceCreateInfo *info = (void *)chain;
  while (info && (info->sType != type || info->function != VK_LAYER_LINK_INFO)) info = (void *)info->pNext;
  return info;
}

static VkResult VKAPI_CALL createInstance(
    const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *out) {
  VkLayerInstanceCreateInfo *link = linkOf(info->pNext, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  VkResult result = ((PFN_vkCreateInstance)next(NULL, "vkCreateInstance"))(info, allocator, out);
  if (result == VK_SUCCESS) {
    remember((struct Known){.key = keyOf(*out), .instance = *out, .instanceProc = next});
  }
  return result;
}

static VkResult VKAPI_CALL createDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
    const VkAllocationCallbacks *allocator, VkDevice *out) {
  VkLayerDeviceCreateInfo *link = linkOf(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;

  VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
      .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
      .pNext = (void *)info->pNext,
      .pipelineExecutableInfo = VK_TRUE,
  };
  VkDeviceCreateInfo more = *info;
  const char **names = calloc(info->enabledExtensionCount + 1, sizeof *names);
  if (!names) return VK_ERROR_OUT_OF_HOST_MEMORY;
  for (uint32_t i = 0; i < info->enabledExtensionCount; i++) names[i] = info->ppEnabledExtensionNames[i];
  names[more.enabledExtensionCount++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
  more.ppEnabledExtensionNames = names;
  more.pNext = &feature;
  VkResult result = OF_INSTANCE(find(physical), vkCreateDevice)(physical, &more, allocator, out);
  free(names);
  if (result == VK_SUCCESS) remember((struct Known){.key = keyOf(*out), .deviceProc = next});
  return result;
}

static void replaceVendor(VkPhysicalDeviceProperties *properties) {
  const char *vendor = getenv("ISA_VENDOR");
  if (vendor) properties->vendorID = strtoul(vendor, NULL, 0);
}

static void VKAPI_CALL physicalProperties(VkPhysicalDevice physical, VkPhysicalDeviceProperties *out) {
  OF_INSTANCE(find(physical), vkGetPhysicalDeviceProperties)(physical, out);
  replaceVendor(out);
}

static void VKAPI_CALL physicalProperties2(VkPhysicalDevice physical, VkPhysicalDeviceProperties2 *out) {
  const struct Known *instance = find(physical);
  PFN_vkGetPhysicalDeviceProperties2 next = OF_INSTANCE(instance, vkGetPhysicalDeviceProperties2);
  if (!next) next = OF_INSTANCE(instance, vkGetPhysicalDeviceProperties2KHR);
  next(physical, out);
  replaceVendor(&out->properties);
}

static void writeStatistic(FILE *log, const VkPipelineExecutableStatisticKHR *of) {
  /* Names hold no character that JSON escapes. */
  fprintf(log, "\"%s\":", of->name);
  switch (of->format) {
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR: fputs(of->value.b32 ? "true" : "false", log); break;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR: fprintf(log, "%lld", (long long)of->value.i64); break;
    case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
      fprintf(log, "%llu", (unsigned long long)of->value.u64);
      break;
    default: fprintf(log, "%.17g", of->value.f64);
  }
}

static void writeString(FILE *log, const char *text, size_t size) {
  fputc('"', log);
  for (size_t i = 0; i < size && text[i]; i++) {
    unsigned char character = text[i];
    if (character < 32 || character > 126) {
      fprintf(log, "\\u%04x", character);
    } else {
      if (character == '"' || character == '\\') fputc('\\', log);
      fputc(character, log);
    }
  }
  fputc('"', log);
}

/* Drivers call it "NAK assembly", "GEN Assembly" and the like, and tell of their other representations, too. */
static void writeAssembly(FILE *log, VkDevice device, const VkPipelineExecutableInfoKHR *part) {
  PFN_vkGetPipelineExecutableInternalRepresentationsKHR get =
      OF_DEVICE(device, vkGetPipelineExecutableInternalRepresentationsKHR);
  uint32_t count = 0;
  get(device, part, &count, NULL);
  VkPipelineExecutableInternalRepresentationKHR *texts = calloc(count + 1, sizeof *texts);
  if (!texts) abort();
  for (uint32_t i = 0; i < count; i++) {
    texts[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR;
  }
  get(device, part, &count, texts);
  /* The second call fills the memory whose size the first one told. */
  for (uint32_t i = 0; i < count; i++) {
    texts[i].pData = calloc(texts[i].dataSize + 1, 1);
    if (!texts[i].pData) abort();
  }
  get(device, part, &count, texts);
  for (uint32_t i = 0; i < count; i++) {
    if (texts[i].isText && strstr(texts[i].name, "ssembly")) {
      fputs(",\"assembly\":", log);
      writeString(log, texts[i].pData, texts[i].dataSize);
    }
    free(texts[i].pData);
  }
  free(texts);
}

static void writePart(FILE *log, VkDevice device, VkPipeline pipeline, uint32_t index, uint32_t of) {
  VkPipelineExecutableInfoKHR part = {
      .sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR,
      .pipeline = pipeline,
      .executableIndex = index,
  };
  PFN_vkGetPipelineExecutableStatisticsKHR get = OF_DEVICE(device, vkGetPipelineExecutableStatisticsKHR);
  uint32_t count = 0;
  get(device, &part, &count, NULL);
  VkPipelineExecutableStatisticKHR *statistics = calloc(count + 1, sizeof *statistics);
  if (!statistics) abort();
  for (uint32_t i = 0; i < count; i++) statistics[i].sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR;
  get(device, &part, &count, statistics);
  fprintf(log, "{\"index\":%u,\"of\":%u,\"stats\":{", index, of);
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0) fputc(',', log);
    writeStatistic(log, &statistics[i]);
  }
  fputc('}', log);
  free(statistics);
  writeAssembly(log, device, &part);
  fputs("}\n", log);
}

static void writePipeline(FILE *log, VkDevice device, VkPipeline pipeline) {
  VkPipelineInfoKHR about = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
  uint32_t parts = 0;
  OF_DEVICE(device, vkGetPipelineExecutablePropertiesKHR)(device, &about, &parts, NULL);
  for (uint32_t i = 0; i < parts; i++) writePart(log, device, pipeline, i, parts);
}

/* Without the program's cache: a driver has no statistics of what comes out of one. */
static VkResult VKAPI_CALL createComputePipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
    const VkComputePipelineCreateInfo *infos, const VkAllocationCallbacks *allocator, VkPipeline *out) {
  (void)cache;
  VkComputePipelineCreateInfo *more = calloc(count, sizeof *more);
  if (!more) return VK_ERROR_OUT_OF_HOST_MEMORY;
  for (uint32_t i = 0; i < count; i++) {
    more[i] = infos[i];
    more[i].flags |=
        VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
  }
  VkResult result = OF_DEVICE(device, vkCreateComputePipelines)(device, VK_NULL_HANDLE, count, more, allocator, out);
  free(more);
  const char *path = getenv("ISA_LOG");
  if (result != VK_SUCCESS || !path) return result;
  static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&writing);
  FILE *log = fopen(path, "a");
  for (uint32_t i = 0; log && i < count; i++) writePipeline(log, device, out[i]);
  if (log) fclose(log);
  pthread_mutex_unlock(&writing);
  return result;
}

static PFN_vkVoidFunction VKAPI_CALL deviceProc(VkDevice device, const char *name) {
  if (!strcmp(name, "vkGetDeviceProcAddr")) return (PFN_vkVoidFunction)deviceProc;
  if (!strcmp(name, "vkCreateComputePipelines")) return (PFN_vkVoidFunction)createComputePipelines;
  return find(device)->deviceProc(device, name);
}

static PFN_vkVoidFunction VKAPI_CALL instanceProc(VkInstance instance, const char *name) {
  const struct {
    const char *name;
    PFN_vkVoidFunction function;
  } own[] = {
      {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)instanceProc},
      {"vkCreateInstance", (PFN_vkVoidFunction)createInstance},
      {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)physicalProperties},
      {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)physicalProperties2},
      {"vkGetPhysicalDeviceProperties2KHR", (PFN_vkVoidFunction)physicalProperties2},
      {"vkCreateDevice", (PFN_vkVoidFunction)createDevice},
      {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)deviceProc},
      {"vkCreateComputePipelines", (PFN_vkVoidFunction)createComputePipelines},
  };
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
    if (!strcmp(own[i].name, name)) return own[i].function;
  }
  return instance ? find(instance)->instanceProc(instance, name) : NULL;
}

/* All that the loader asks of a layer. */
__attribute__((visibility("default"))) VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(
    VkNegotiateLayerInterface *layer) {
  if (layer->loaderLayerInterfaceVersion > 2) layer->loaderLayerInterfaceVersion = 2;
  layer->pfnGetInstanceProcAddr = instanceProc;
  layer->pfnGetDeviceProcAddr = deviceProc;
  layer->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
