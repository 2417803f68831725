/** What the component exports: each finds the plugin's function, and makes an answer or a failure of what it gives. */
#include <stdlib.h>
#include <string.h>

#include "bridge.h"

/** A copy that `malloc` gave: the host has it freed once it has read it. */
static void *kept(const void *data, size_t size) {
  if (size == 0) return NULL;
  void *copy = malloc(size);
  if (copy == NULL) abort();
  memcpy(copy, data, size);
  return copy;
}

static plugin_string_t kept_text(plugin_string_t text) {
  return (plugin_string_t){kept(text.ptr, text.len), text.len};
}

static sb_call begin(void) {
  sb_call call = {0};
  switchboard_plugin_call_get_info(&call.info);
  return call;
}

/** Ends a call: what failed goes to the host, what was begun is undone, and its memory is given back by `close`. */
static bool finish(sb_call *call, bool done, switchboard_plugin_types_failure_t *failure) {
  if (call->undo != NULL) call->undo(call);
  if (done) return true;
  if (!call->failed) sb_broken(call, "a handler failed and does not say why: it gave false without `sb_fail`");
  if (strcmp(sb_received(call->failure.kind), "broken") == 0) {
    sb_log(call, SB_ERROR, "%s", sb_received(call->failure.message));
  }
  *failure = call->failure;
  failure->kind = kept_text(failure->kind);
  failure->message = kept_text(failure->message);
  switchboard_plugin_types_fault_t *faults = kept(failure->faults.ptr, failure->faults.len * sizeof *faults);
  for (size_t at = 0; at < failure->faults.len; at++) {
    faults[at].kind = kept_text(faults[at].kind);
    faults[at].place = kept_text(faults[at].place);
    faults[at].message = kept_text(faults[at].message);
    faults[at].input = kept_text(faults[at].input);
  }
  failure->faults.ptr = faults;
  return false;
}

static bool closing(bool done) {
  sb_give_back();
  return done;
}

static bool is(plugin_string_t given, const char *name) {
  return given.len == strlen(name) && memcmp(given.ptr, name, given.len) == 0;
}

void exports_switchboard_plugin_description_describe(plugin_string_t *ret) {
  size_t size = 0;
  char *text = sb_describe(&size);
  *ret = (plugin_string_t){(uint8_t *)text, size};
}

bool exports_switchboard_plugin_lifecycle_run(plugin_string_t *hook, plugin_string_t *details,
                                              switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  bool done = true;
  for (const sb_hook *at = switchboard_plugin.hooks; at != NULL && at->name != NULL; at++) {
    if (!is(*hook, at->name)) continue;
    yyjson_val *told = NULL;
    done = sb_received_json(&call, *details, &told) && at->run(&call, told);
    break;
  }
  return closing(finish(&call, done, err));
}

static const sb_header *received_headers(exports_switchboard_plugin_routes_list_header_t headers) {
  sb_header *lines = sb_take(headers.len * sizeof *lines);
  for (size_t at = 0; at < headers.len; at++) {
    lines[at] = (sb_header){sb_received(headers.ptr[at].name), sb_received(headers.ptr[at].value)};
  }
  return lines;
}

static bool read_all(sb_call *call, sb_bytes first, sb_body rest, sb_bytes *all) {
  *all = first;
  for (sb_bytes piece;;) {
    if (!sb_read(call, rest, 1 << 20, &piece)) return false;
    if (piece.size == 0) return true;
    uint8_t *joined = sb_take(all->size + piece.size);
    memcpy(joined, all->data, all->size);
    memcpy(joined + all->size, piece.data, piece.size);
    *all = (sb_bytes){joined, all->size + piece.size};
  }
}

static bool answer_route(sb_call *call, exports_switchboard_plugin_routes_request_t *raw, sb_answer *answer) {
  const sb_route *route = switchboard_plugin.routes;
  for (uint32_t at = 0; at < raw->route && route != NULL && route->key != NULL; at++) route++;
  if (route == NULL || route->key == NULL) {
    return sb_broken(call, "the plugin binds no route number %u", (unsigned)raw->route);
  }
  sb_request request = {
      .content = {raw->content.ptr, raw->content.len},
      .rest = {raw->rest.is_some, raw->rest.val.__handle},
      .headers = received_headers(raw->headers),
      .header_count = raw->headers.len,
      .head_only = raw->head_only,
  };
  yyjson_mut_val *path = yyjson_mut_obj(sb_json(call));
  for (size_t at = 0; at < raw->params.len; at++) {
    yyjson_val *value = NULL;
    if (!sb_received_json(call, raw->params.ptr[at].f1, &value)) return false;
    yyjson_mut_obj_add_val(sb_json(call), path, sb_received(raw->params.ptr[at].f0),
                           yyjson_val_mut_copy(sb_json(call), value));
  }
  if (!sb_received_json(call, sb_sent_json(call, path), &request.path)) return false;
  if (!sb_received_json(call, raw->query, &request.query)) return false;
  if (route->body != NULL) {
    sb_bytes body;
    if (!read_all(call, request.content, request.rest, &body) || !sb_parse(call, body, &request.body)) return false;
  }
  return route->handle(call, &request, answer);
}

bool exports_switchboard_plugin_routes_handle(exports_switchboard_plugin_routes_request_t *request,
                                              exports_switchboard_plugin_routes_response_t *ret,
                                              switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  sb_answer answer = {.status = 204};
  bool done = finish(&call, answer_route(&call, request, &answer), err);
  bool sent_on = done && answer.rest.there && request->rest.is_some && answer.rest.handle == request->rest.val.__handle;
  if (request->rest.is_some && !sent_on) switchboard_plugin_bodies_body_drop_own(request->rest.val);
  if (!done) return closing(false);
  switchboard_plugin_types_header_t *headers = NULL;
  if (answer.header_count > 0) headers = malloc(answer.header_count * sizeof *headers);
  for (size_t at = 0; at < answer.header_count; at++) {
    if (headers == NULL) abort();
    headers[at].name = kept_text(sb_sent(answer.headers[at].name));
    headers[at].value = kept_text(sb_sent(answer.headers[at].value));
  }
  *ret = (exports_switchboard_plugin_routes_response_t){
      .status = answer.status,
      .headers = {headers, answer.header_count},
      .content = {kept(answer.content.data, answer.content.size), answer.content.size},
      .rest = {answer.rest.there, {answer.rest.handle}},
  };
  return closing(true);
}

bool sb_answer_json(sb_call *call, sb_answer *answer, uint16_t status, yyjson_mut_val *value) {
  static const sb_header json[] = {{"content-type", "application/json"}};
  plugin_string_t text = sb_sent_json(call, value);
  *answer = (sb_answer){.status = status, .headers = json, .header_count = 1, .content = {text.ptr, text.len}};
  return true;
}

bool exports_switchboard_plugin_filters_apply(plugin_string_t *point, plugin_string_t *payload,
                                              exports_switchboard_plugin_filters_option_json_t *ret,
                                              switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  const sb_filter *filter = switchboard_plugin.filters;
  while (filter != NULL && filter->point != NULL && !is(*point, filter->point)) filter++;
  yyjson_val *given = NULL;
  yyjson_mut_val *changed = NULL;
  bool found = filter != NULL && filter->point != NULL;
  bool done = found ? sb_received_json(&call, *payload, &given) && filter->apply(&call, given, &changed)
                    : sb_broken(&call, "the plugin binds no filter `%s`", sb_received(*point));
  if (!finish(&call, done, err)) return closing(false);
  ret->is_some = changed != NULL;
  if (changed != NULL) ret->val = kept_text(sb_sent_json(&call, changed));
  return closing(true);
}

/** Whether a listener of that pattern hears an event of that name: `*` is one word, `**` at the end one or more. */
static bool hears(const char *pattern, const char *name) {
  for (;;) {
    size_t wanted = strcspn(pattern, "."), word = strcspn(name, ".");
    if (word == 0) return false;
    if (wanted == 2 && memcmp(pattern, "**", 2) == 0) return true;
    bool any = wanted == 1 && pattern[0] == '*';
    if (!any && (wanted != word || memcmp(pattern, name, word) != 0)) return false;
    if (pattern[wanted] == 0 || name[word] == 0) return pattern[wanted] == name[word];
    pattern += wanted + 1;
    name += word + 1;
  }
}

bool exports_switchboard_plugin_listeners_hear(exports_switchboard_plugin_listeners_event_t *raw,
                                               switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  sb_event event = {
      .id = sb_received(raw->id),
      .source = sb_received(raw->source),
      .name = sb_received(raw->name),
      .subject = sb_received(raw->subject),
      .time = raw->time,
      .has_organization = raw->organization.is_some,
      .organization = raw->organization.val,
      .actor = sb_received(raw->actor),
      .trace = sb_received(raw->trace),
      .attempt = raw->attempt,
  };
  bool done = sb_received_json(&call, raw->data, &event.data);
  for (const sb_listener *at = switchboard_plugin.listeners; done && at != NULL && at->pattern != NULL; at++) {
    if (hears(at->pattern, event.name)) done = at->hear(&call, &event);
  }
  return closing(finish(&call, done, err));
}

bool exports_switchboard_plugin_tasks_run(exports_switchboard_plugin_tasks_task_run_t *raw,
                                          switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  const sb_task *task = switchboard_plugin.tasks;
  while (task != NULL && task->name != NULL && !is(raw->name, task->name)) task++;
  sb_task_run run = {.name = sb_received(raw->name), .run = sb_received(raw->run), .attempt = raw->attempt};
  bool found = task != NULL && task->name != NULL;
  bool done = found ? sb_received_json(&call, raw->payload, &run.payload) && task->run(&call, &run)
                    : sb_broken(&call, "the plugin binds no task `%s`", run.name);
  return closing(finish(&call, done, err));
}

bool exports_switchboard_plugin_offered_services_answer(plugin_string_t *name, plugin_string_t *payload,
                                                        plugin_string_t *ret, switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  const sb_service *service = switchboard_plugin.services;
  while (service != NULL && service->name != NULL && !is(*name, service->name)) service++;
  yyjson_val *given = NULL;
  yyjson_mut_val *result = NULL;
  bool done;
  if (service == NULL || service->name == NULL) {
    done = sb_broken(&call, "the plugin binds no service `%s`", sb_received(*name));
  } else {
    /* Routes' bodies and filters' payloads were checked by the host; this comes from another plugin as it is. */
    done = sb_received_json(&call, *payload, &given) &&
           (service->takes == NULL || sb_check(&call, service->takes, given, "payload")) &&
           service->answer(&call, given, &result);
  }
  if (!finish(&call, done, err)) return closing(false);
  *ret = kept_text(sb_sent_json(&call, result));
  return closing(true);
}

bool exports_switchboard_plugin_commands_run(plugin_string_t *name, plugin_string_t *arguments, plugin_string_t *origin,
                                             plugin_string_t *ret, switchboard_plugin_types_failure_t *err) {
  sb_call call = begin();
  const sb_command *command = switchboard_plugin.commands;
  while (command != NULL && command->name != NULL && !is(*name, command->name)) command++;
  sb_given given = {.name = sb_received(*name)};
  sb_said said = {.text = ""};
  bool found = command != NULL && command->name != NULL;
  bool done = found ? sb_received_json(&call, *arguments, &given.arguments) &&
                          sb_received_json(&call, *origin, &given.origin) && command->answer(&call, &given, &said)
                    : sb_broken(&call, "the plugin binds no command `%s`", given.name);
  if (!finish(&call, done, err)) return closing(false);
  yyjson_mut_val *answer = yyjson_mut_obj(sb_json(&call));
  yyjson_mut_obj_add_str(sb_json(&call), answer, "text", said.text);
  yyjson_mut_obj_add_bool(sb_json(&call), answer, "ephemeral", said.ephemeral);
  *ret = kept_text(sb_sent_json(&call, answer));
  return closing(true);
}
