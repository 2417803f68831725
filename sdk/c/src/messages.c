/** What is said to other plugins, to other servers, and to people, and what is kept from all of them. */
#include "bridge.h"

switchboard_plugin_types_new_event_t sb_new_event(sb_call *call, const char *name, const char *subject,
                                                  yyjson_mut_val *data) {
  return (switchboard_plugin_types_new_event_t){sb_sent(name), sb_sent(subject), sb_sent_json(call, data)};
}

bool sb_emit(sb_call *call, const char *name, const char *subject, yyjson_mut_val *data) {
  switchboard_plugin_types_new_event_t event = sb_new_event(call, name, subject, data);
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_events_emit(&event, &failure) || sb_refused(call, failure);
}

bool sb_call_service(sb_call *call, const char *service, yyjson_mut_val *payload, yyjson_val **result) {
  plugin_string_t name = sb_sent(service), given = sb_sent_json(call, payload), made;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_services_call(&name, &given, &made, &failure)) return sb_refused(call, failure);
  return sb_received_json(call, made, result);
}

bool sb_schedule(sb_call *call, const char *task, yyjson_mut_val *payload) {
  plugin_string_t name = sb_sent(task), given = sb_sent_json(call, payload), run;
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_schedule_run(&name, &given, &run, &failure) || sb_refused(call, failure);
}

void sb_progress(double share, const char *message) {
  plugin_string_t text = sb_sent(message);
  switchboard_plugin_schedule_progress(share, &text);
}

bool sb_output(sb_call *call, yyjson_mut_val *value) {
  plugin_string_t given = sb_sent_json(call, value);
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_schedule_output(&given, &failure) || sb_refused(call, failure);
}

bool sb_set_plan(sb_call *call, const char *name, yyjson_mut_val *plan) {
  plugin_string_t named = sb_sent(name), given = sb_sent_json(call, plan);
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_schedule_set_plan(&named, &given, &failure) || sb_refused(call, failure);
}

bool sb_remove_plan(sb_call *call, const char *name, bool *removed) {
  plugin_string_t named = sb_sent(name);
  bool gone;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_schedule_remove_plan(&named, &gone, &failure)) return sb_refused(call, failure);
  if (removed != NULL) *removed = gone;
  return true;
}

bool sb_list_plans(sb_call *call, yyjson_val **plans) {
  plugin_string_t made;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_schedule_list_plans(&made, &failure)) return sb_refused(call, failure);
  return sb_received_json(call, made, plans);
}

bool sb_secret(sb_call *call, const char *name, const char **secret) {
  plugin_string_t wanted = sb_sent(name);
  plugin_option_string_t found;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_secrets_get(&wanted, &found, &failure)) return sb_refused(call, failure);
  *secret = found.is_some ? sb_received(found.val) : NULL;
  return true;
}

bool sb_http_send(sb_call *call, const char *method, const char *url, const sb_header *headers, size_t header_count,
                  sb_bytes body, sb_http_response *response) {
  switchboard_plugin_http_header_t *lines = sb_take(header_count * sizeof *lines);
  for (size_t at = 0; at < header_count; at++) {
    lines[at].name = sb_sent(headers[at].name);
    lines[at].value = sb_sent(headers[at].value);
  }
  switchboard_plugin_http_request_t request = {
      sb_sent(method), sb_sent(url), {lines, header_count}, sb_sent_bytes(body)};
  switchboard_plugin_http_response_t found;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_http_send(&request, &found, &failure)) return sb_refused(call, failure);
  sb_header *received = sb_take(found.headers.len * sizeof *received);
  for (size_t at = 0; at < found.headers.len; at++) {
    received[at] = (sb_header){sb_received(found.headers.ptr[at].name), sb_received(found.headers.ptr[at].value)};
  }
  *response =
      (sb_http_response){found.status, received, found.headers.len, {found.body.ptr, found.body.len}};
  return true;
}

bool sb_mail_send(sb_call *call, const char *to, const char *subject, const char *text, const char *html) {
  plugin_string_t address = sb_sent(to);
  switchboard_plugin_mail_message_t message = {
      .to = {&address, 1},
      .subject = sb_sent(subject),
      .text = sb_sent(text),
      .html = {html != NULL, sb_sent(html)},
  };
  switchboard_plugin_types_failure_t failure;
  return switchboard_plugin_mail_send(&message, &failure) || sb_refused(call, failure);
}
