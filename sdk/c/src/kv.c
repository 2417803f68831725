/** Small values with expiry. */
#include "bridge.h"

bool sb_kv_get(sb_call *call, const char *key, bool *found, sb_kv_entry *entry) {
  plugin_string_t name = sb_sent(key);
  switchboard_plugin_kv_option_entry_t there;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_kv_get(&name, &there, &failure)) return sb_refused(call, failure);
  *found = there.is_some;
  if (there.is_some) *entry = (sb_kv_entry){{there.val.value.ptr, there.val.value.len}, there.val.version};
  return true;
}

bool sb_kv_set(sb_call *call, const char *key, sb_bytes value, uint64_t expires_in_us, uint64_t only_if_version,
               bool *done) {
  plugin_string_t name = sb_sent(key);
  plugin_list_u8_t bytes = sb_sent_bytes(value);
  switchboard_plugin_kv_terms_t terms = {
      .expires_in_us = {expires_in_us != 0, expires_in_us},
      .only_if_version = {only_if_version != SB_ANY_VERSION, only_if_version},
  };
  plugin_option_u64_t version;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_kv_set(&name, &bytes, &terms, &version, &failure)) return sb_refused(call, failure);
  if (done != NULL) *done = version.is_some;
  return true;
}

bool sb_kv_delete(sb_call *call, const char *key, bool *found) {
  plugin_string_t name = sb_sent(key);
  bool there = false;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_kv_delete(&name, &there, &failure)) return sb_refused(call, failure);
  if (found != NULL) *found = there;
  return true;
}

bool sb_kv_list(sb_call *call, const char *prefix, const char *after, uint32_t limit, const char ***keys,
                size_t *count) {
  plugin_string_t begin = sb_sent(prefix), behind = sb_sent(after);
  plugin_list_string_t found;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_kv_list_keys(&begin, after == NULL ? NULL : &behind, limit, &found, &failure)) {
    return sb_refused(call, failure);
  }
  const char **names = sb_take(found.len * sizeof(char *));
  for (size_t at = 0; at < found.len; at++) names[at] = sb_received(found.ptr[at]);
  *keys = names;
  *count = found.len;
  return true;
}
