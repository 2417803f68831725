/** JSON of the running call. */
#include <string.h>

#include "bridge.h"

yyjson_mut_doc *sb_json(sb_call *call) {
  if (call->json == NULL) call->json = yyjson_mut_doc_new(&sb_memory);
  return call->json;
}

bool sb_parse(sb_call *call, sb_bytes text, yyjson_val **value) {
  yyjson_read_err error;
  yyjson_doc *read = yyjson_read_opts((char *)text.data, text.size, 0, &sb_memory, &error);
  if (read == NULL) return sb_invalid(call, "this is no JSON: %s at byte %u", error.msg, (unsigned)error.pos);
  *value = yyjson_doc_get_root(read);
  return true;
}

bool sb_received_json(sb_call *call, plugin_string_t text, yyjson_val **value) {
  return sb_parse(call, (sb_bytes){text.ptr, text.len}, value);
}

plugin_string_t sb_sent_json(sb_call *call, yyjson_mut_val *value) {
  size_t size = 0;
  char *text = value == NULL ? NULL : yyjson_mut_val_write_opts(value, 0, &sb_memory, &size, NULL);
  (void)call;
  return text == NULL ? sb_sent("null") : (plugin_string_t){(uint8_t *)text, size};
}

const char *sb_text_at(yyjson_val *object, const char *name) { return yyjson_get_str(yyjson_obj_get(object, name)); }

int64_t sb_int_at(yyjson_val *object, const char *name, int64_t otherwise) {
  yyjson_val *value = yyjson_obj_get(object, name);
  return yyjson_is_int(value) ? yyjson_get_sint(value) : otherwise;
}
