/** Large values, and bytes that the host holds. */
#include "bridge.h"

static sb_blob_info received_info(switchboard_plugin_blobs_blob_info_t info) {
  return (sb_blob_info){info.size, sb_received(info.etag), info.modified};
}

bool sb_blob_put(sb_call *call, const char *key, sb_bytes content, sb_blob_info *info) {
  plugin_string_t name = sb_sent(key);
  plugin_list_u8_t bytes = sb_sent_bytes(content);
  switchboard_plugin_bodies_own_body_t body = switchboard_plugin_bodies_constructor_body(&bytes);
  switchboard_plugin_blobs_blob_info_t stored;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_blobs_put(&name, body, &stored, &failure)) return sb_refused(call, failure);
  if (info != NULL) *info = received_info(stored);
  return true;
}

bool sb_blob_find(sb_call *call, const char *owner, const char *key, bool *found, sb_blob_info *info) {
  plugin_string_t whose = sb_sent(owner), name = sb_sent(key);
  switchboard_plugin_blobs_option_blob_info_t there;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_blobs_info(owner == NULL ? NULL : &whose, &name, &there, &failure)) {
    return sb_refused(call, failure);
  }
  *found = there.is_some;
  if (there.is_some && info != NULL) *info = received_info(there.val);
  return true;
}

bool sb_blob_get(sb_call *call, const char *owner, const char *key, uint64_t start, uint64_t end, bool *found,
                 sb_body *body) {
  plugin_string_t whose = sb_sent(owner), name = sb_sent(key);
  plugin_tuple2_u64_u64_t part = {start, end};
  bool all = start == 0 && end == UINT64_MAX;
  switchboard_plugin_blobs_option_blob_t there;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_blobs_get(owner == NULL ? NULL : &whose, &name, all ? NULL : &part, &there, &failure)) {
    return sb_refused(call, failure);
  }
  *found = there.is_some;
  if (there.is_some) *body = (sb_body){true, there.val.body.__handle};
  return true;
}

bool sb_blob_delete(sb_call *call, const char *key) {
  plugin_string_t name = sb_sent(key);
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_blobs_delete(&name, &failure) || sb_refused(call, failure);
}

bool sb_read(sb_call *call, sb_body body, uint32_t most, sb_bytes *piece) {
  *piece = (sb_bytes){NULL, 0};
  if (!body.there) return true;
  plugin_list_u8_t bytes;
  switchboard_plugin_types_failure_t failure;
  switchboard_plugin_bodies_own_body_t held = {body.handle};
  if (!switchboard_plugin_bodies_method_body_read(switchboard_plugin_bodies_borrow_body(held), most, &bytes, &failure)) {
    return sb_refused(call, failure);
  }
  *piece = (sb_bytes){bytes.ptr, bytes.len};
  return true;
}
