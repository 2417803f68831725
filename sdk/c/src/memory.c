/** Memory of the running call: taken piece by piece, given back at once. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge.h"

typedef struct chunk {
  struct chunk *next;
  size_t used;
  size_t size;
} chunk;

static const size_t CHUNK = 16 * 1024;
static chunk *chunks;

void *sb_take(size_t size) {
  size = (size + 15) & ~(size_t)15;
  if (chunks == NULL || chunks->size - chunks->used < size) {
    size_t room = size > CHUNK ? size : CHUNK;
    chunk *made = malloc(sizeof(chunk) + 16 + room);
    if (made == NULL) abort();
    *made = (chunk){chunks, 0, room};
    chunks = made;
  }
  uint8_t *start = (uint8_t *)(((uintptr_t)(chunks + 1) + 15) & ~(uintptr_t)15);
  void *taken = start + chunks->used;
  chunks->used += size;
  return taken;
}

void sb_give_back(void) {
  while (chunks != NULL && chunks->next != NULL) {
    chunk *rest = chunks->next;
    free(chunks);
    chunks = rest;
  }
  if (chunks != NULL && chunks->size > CHUNK) {
    free(chunks);
    chunks = NULL;
  }
  if (chunks != NULL) chunks->used = 0;
}

/** By this the host hands over what a call brings, and what it answers: all of it belongs to the call. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)align;
  if (size == 0) return (void *)align;
  void *taken = sb_take(size);
  if (old_size > 0) memcpy(taken, old, old_size < size ? old_size : size);
  return taken;
}

static void *taking(void *context, size_t size) {
  (void)context;
  return sb_take(size);
}

static void *taking_more(void *context, void *old, size_t old_size, size_t size) {
  void *taken = taking(context, size);
  memcpy(taken, old, old_size < size ? old_size : size);
  return taken;
}

static void giving_back(void *context, void *taken) {
  (void)context;
  (void)taken;
}

const yyjson_alc sb_memory = {taking, taking_more, giving_back, NULL};

void *sb_alloc(sb_call *call, size_t size) {
  (void)call;
  void *taken = sb_take(size);
  memset(taken, 0, size);
  return taken;
}

const char *sb_format(sb_call *call, const char *format, ...) {
  (void)call;
  va_list words;
  va_start(words, format);
  int length = vsnprintf(NULL, 0, format, words);
  va_end(words);
  if (length < 0) return "";
  char *text = sb_take((size_t)length + 1);
  va_start(words, format);
  vsnprintf(text, (size_t)length + 1, format, words);
  va_end(words);
  return text;
}

const char *sb_received(plugin_string_t text) {
  char *copy = sb_take(text.len + 1);
  memcpy(copy, text.ptr, text.len);
  copy[text.len] = 0;
  return copy;
}

plugin_string_t sb_sent(const char *text) {
  return (plugin_string_t){(uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

plugin_list_u8_t sb_sent_bytes(sb_bytes bytes) { return (plugin_list_u8_t){(uint8_t *)bytes.data, bytes.size}; }
