/** Whom the call is for, how it fails, and what is handed out unasked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bridge.h"

bool sb_fail(sb_call *call, const char *kind, const char *format, ...) {
  va_list words;
  va_start(words, format);
  int length = vsnprintf(NULL, 0, format, words);
  va_end(words);
  char *message = sb_take(length < 0 ? 1 : (size_t)length + 1);
  message[0] = 0;
  va_start(words, format);
  if (length > 0) vsnprintf(message, (size_t)length + 1, format, words);
  va_end(words);
  switchboard_plugin_types_failure_t failure = {.kind = sb_sent(kind), .message = sb_sent(message)};
  return sb_refused(call, failure);
}

bool sb_refused(sb_call *call, switchboard_plugin_types_failure_t failure) {
  call->failed = true;
  call->failure = failure;
  return false;
}

const char *sb_failure_kind(const sb_call *call) { return call->failed ? sb_received(call->failure.kind) : NULL; }

void sb_forgive(sb_call *call) { call->failed = false; }

bool sb_get_organization(sb_call *call, sb_organization *organization) {
  if (!call->info.organization.is_some) {
    return sb_invalid(call, "this is done for one organization: name it, for example by `X-Organization`");
  }
  switchboard_plugin_call_organization_t *found = &call->info.organization.val;
  *organization = (sb_organization){found->id, sb_received(found->slug), sb_received(found->name)};
  return true;
}

void sb_get_actor(sb_call *call, sb_actor *actor) {
  switchboard_plugin_call_actor_t *found = &call->info.actor;
  const char **roles = sb_take(found->roles.len * sizeof(char *));
  for (size_t at = 0; at < found->roles.len; at++) roles[at] = sb_received(found->roles.ptr[at]);
  *actor = (sb_actor){
      .kind = sb_received(found->kind),
      .name = sb_received(found->name),
      .has_account = found->account.is_some,
      .account = found->account.val,
      .roles = roles,
      .role_count = found->roles.len,
  };
}

const char *sb_address(sb_call *call) {
  return call->info.address.is_some ? sb_received(call->info.address.val) : NULL;
}

const char *sb_trace(sb_call *call) { return sb_received(call->info.trace); }

uint64_t sb_time_left_ms(void) { return switchboard_plugin_call_time_left_ms(); }

bool sb_should_stop(void) { return switchboard_plugin_call_should_stop(); }

bool sb_require(sb_call *call, const char *action, const char *thing) {
  plugin_string_t what = sb_sent(action), which = sb_sent(thing);
  switchboard_plugin_types_failure_t failure;
  if (switchboard_plugin_call_require(&what, thing == NULL ? NULL : &which, &failure)) return true;
  return sb_refused(call, failure);
}

void sb_log(sb_call *call, sb_level level, const char *format, ...) {
  (void)call;
  va_list words;
  va_start(words, format);
  int length = vsnprintf(NULL, 0, format, words);
  va_end(words);
  if (length < 0) return;
  char *message = sb_take((size_t)length + 1);
  va_start(words, format);
  vsnprintf(message, (size_t)length + 1, format, words);
  va_end(words);
  plugin_string_t line = {(uint8_t *)message, (size_t)length};
  switchboard_plugin_log_write((switchboard_plugin_log_level_t)level, &line);
}

int64_t sb_now(void) { return switchboard_plugin_clock_now(); }

const char *sb_timestamp(sb_call *call, int64_t microseconds) {
  int64_t seconds = microseconds / 1000000, fraction = microseconds % 1000000;
  if (fraction < 0) {
    fraction += 1000000;
    seconds -= 1;
  }
  int64_t days = seconds / 86400, rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    days -= 1;
  }
  /* Howard Hinnant's civil_from_days. */
  int64_t shifted = days + 719468;
  int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  int64_t of_era = shifted - era * 146097;
  int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t shifted_month = (5 * of_year + 2) / 153;
  int day = (int)(of_year - (153 * shifted_month + 2) / 5 + 1);
  int month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  int64_t year = year_of_era + era * 400 + (month <= 2);
  char behind[8] = "";
  if (fraction != 0) {
    snprintf(behind, sizeof behind, ".%06d", (int)fraction);
    for (size_t last = strlen(behind); behind[last - 1] == '0'; last--) behind[last - 1] = 0;
  }
  return sb_format(call, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", (int)year, month, day, (int)(rest / 3600),
                   (int)(rest / 60 % 60), (int)(rest % 60), behind);
}

void sb_random(void *into, size_t size) {
  uint8_t *place = into;
  while (size > 0) {
    plugin_list_u8_t made;
    switchboard_plugin_random_get_bytes(size > 65536 ? 65536 : (uint32_t)size, &made);
    memcpy(place, made.ptr, made.len);
    place += made.len;
    size -= made.len;
  }
}

bool sb_config(sb_call *call, yyjson_val **config) {
  switchboard_plugin_types_failure_t failure;
  plugin_string_t text;
  if (!switchboard_plugin_config_read(&text, &failure)) return sb_refused(call, failure);
  return sb_received_json(call, text, config);
}

/** A place as people write it: `body.tags.2` of `["body","tags",2]`. */
static const char *place_of(sb_call *call, plugin_string_t place) {
  yyjson_val *steps = NULL, *step;
  const char *made = "";
  size_t at, count;
  if (!sb_received_json(call, place, &steps)) return made;
  yyjson_arr_foreach(steps, at, count, step) {
    const char *dot = at == 0 ? "" : ".";
    made = yyjson_is_str(step) ? sb_format(call, "%s%s%s", made, dot, yyjson_get_str(step))
                               : sb_format(call, "%s%s%lld", made, dot, (long long)yyjson_get_sint(step));
  }
  return made;
}

bool sb_check(sb_call *call, const char *schema, yyjson_val *value, const char *place) {
  switchboard_plugin_types_failure_t failure;
  plugin_string_t rules = sb_sent(schema), root = sb_sent(place);
  plugin_string_t given = sb_sent_json(call, yyjson_val_mut_copy(sb_json(call), value));
  plugin_list_string_t roots = {&root, 1};
  switchboard_plugin_schemas_list_fault_t faults;
  if (!switchboard_plugin_schemas_check(&rules, &given, &roots, &faults, &failure)) return sb_refused(call, failure);
  if (faults.len == 0) return true;
  if (faults.len > 1) {
    sb_invalid(call, "%zu fields break a rule", faults.len);
  } else {
    sb_invalid(call, "%s: %s", place_of(call, faults.ptr[0].place), sb_received(faults.ptr[0].message));
  }
  call->failure.faults = (switchboard_plugin_types_list_fault_t){faults.ptr, faults.len};
  return false;
}

bool sb_apply(sb_call *call, const char *point, yyjson_val *payload, yyjson_val **result) {
  switchboard_plugin_types_failure_t failure;
  plugin_string_t name = sb_sent(point), made;
  plugin_string_t given = sb_sent_json(call, yyjson_val_mut_copy(sb_json(call), payload));
  if (!switchboard_plugin_filter_points_apply(&name, &given, &made, &failure)) return sb_refused(call, failure);
  return sb_received_json(call, made, result);
}

bool sb_audit(sb_call *call, const char *action, const char *subject, yyjson_mut_val *before, yyjson_mut_val *after) {
  switchboard_plugin_types_failure_t failure;
  switchboard_plugin_audit_entry_t entry = {
      sb_sent(action), sb_sent(subject), sb_sent_json(call, before), sb_sent_json(call, after)};
  if (switchboard_plugin_audit_record_entry(&entry, &failure)) return true;
  return sb_refused(call, failure);
}
