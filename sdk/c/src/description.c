/** What is bound, for the host. */
#include <stdlib.h>
#include <string.h>

#include "bridge.h"

static yyjson_mut_val *schema(yyjson_mut_doc *json, const char *text) {
  yyjson_doc *read = text == NULL ? NULL : yyjson_read(text, strlen(text), 0);
  if (text != NULL && read == NULL) return yyjson_mut_str(json, text); /* The host says that it is no schema. */
  yyjson_mut_val *value =
      read == NULL ? yyjson_mut_obj(json) : yyjson_val_mut_copy(json, yyjson_doc_get_root(read));
  yyjson_doc_free(read);
  return value;
}

static yyjson_mut_val *body(yyjson_mut_doc *json, const char *type, yyjson_mut_val *described) {
  yyjson_mut_val *made = yyjson_mut_obj(json);
  yyjson_mut_obj_add_str(json, made, "content_type", type);
  yyjson_mut_obj_add_val(json, made, "schema", described);
  return made;
}

static void parameter(yyjson_mut_doc *json, yyjson_mut_val *list, yyjson_mut_val *name, const char *place,
                      yyjson_mut_val *described) {
  yyjson_mut_val *made = yyjson_mut_arr_add_obj(json, list);
  yyjson_mut_obj_add(made, yyjson_mut_str(json, "name"), yyjson_mut_val_mut_copy(json, name));
  yyjson_mut_obj_add_str(json, made, "place", place);
  yyjson_mut_obj_add_bool(json, made, "required", strcmp(place, "path") == 0);
  yyjson_mut_obj_add_val(json, made, "schema", yyjson_mut_val_mut_copy(json, described));
}

static yyjson_mut_val *parameters(yyjson_mut_doc *json, const sb_route *route) {
  yyjson_mut_val *list = yyjson_mut_arr(json);
  yyjson_mut_val *in_path = schema(json, route->path);
  for (const char *open = strchr(route->key, '{'); open != NULL; open = strchr(open + 1, '{')) {
    const char *start = open + (open[1] == '*' ? 2 : 1);
    const char *close = strchr(start, '}');
    if (close == NULL) break;
    yyjson_mut_val *name = yyjson_mut_strncpy(json, start, (size_t)(close - start));
    yyjson_mut_val *described = yyjson_mut_obj_getn(in_path, start, (size_t)(close - start));
    parameter(json, list, name, "path", described == NULL ? schema(json, "{\"type\": \"string\"}") : described);
  }
  if (route->query != NULL) {
    yyjson_mut_val *query = schema(json, route->query);
    yyjson_mut_obj_iter members = yyjson_mut_obj_iter_with(query);
    for (yyjson_mut_val *name = yyjson_mut_obj_iter_next(&members); name != NULL;
         name = yyjson_mut_obj_iter_next(&members)) {
      parameter(json, list, name, "query", yyjson_mut_obj_iter_get_val(name));
    }
  }
  return list;
}

static void describe_route(yyjson_mut_doc *json, yyjson_mut_val *routes, const sb_route *route) {
  yyjson_mut_val *made = yyjson_mut_arr_add_obj(json, routes);
  yyjson_mut_obj_add_str(json, made, "key", route->key);
  yyjson_mut_obj_add_str(json, made, "id", route->id == NULL ? route->key : route->id);
  yyjson_mut_obj_add_str(json, made, "summary", route->summary == NULL ? route->key : route->summary);
  yyjson_mut_obj_add_val(json, made, "parameters", parameters(json, route));
  yyjson_mut_val *taken = yyjson_mut_null(json);
  if (route->body != NULL) {
    taken = body(json, "application/json", schema(json, route->body));
  } else if (strncmp(route->key, "GET ", 4) != 0 && strncmp(route->key, "DELETE ", 7) != 0) {
    taken = body(json, "application/octet-stream", schema(json, "{\"type\": \"string\", \"format\": \"binary\"}"));
  }
  yyjson_mut_obj_add_val(json, made, "body", taken);
  yyjson_mut_val *answer = yyjson_mut_arr_add_obj(json, yyjson_mut_obj_add_arr(json, made, "answers"));
  bool empty = route->gives == NULL;
  uint16_t status = route->status != 0 ? route->status : empty ? 204 : 200;
  yyjson_mut_obj_add_uint(json, answer, "status", status);
  yyjson_mut_obj_add_str(json, answer, "description", status == 201 ? "Created" : "Done");
  yyjson_mut_obj_add_val(json, answer, "body",
                         empty ? yyjson_mut_null(json) : body(json, "application/json", schema(json, route->gives)));
}

char *sb_describe(size_t *size) {
  const sb_plugin *plugin = &switchboard_plugin;
  yyjson_mut_doc *json = yyjson_mut_doc_new(NULL);
  yyjson_mut_val *root = yyjson_mut_obj(json);
  yyjson_mut_val *list = yyjson_mut_obj_add_arr(json, root, "routes");
  for (const sb_route *at = plugin->routes; at != NULL && at->key != NULL; at++) describe_route(json, list, at);
  list = yyjson_mut_obj_add_arr(json, root, "filters");
  for (const sb_filter *at = plugin->filters; at != NULL && at->point != NULL; at++) {
    yyjson_mut_arr_add_str(json, list, at->point);
  }
  list = yyjson_mut_obj_add_arr(json, root, "listeners");
  for (const sb_listener *at = plugin->listeners; at != NULL && at->pattern != NULL; at++) {
    yyjson_mut_arr_add_str(json, list, at->pattern);
  }
  list = yyjson_mut_obj_add_arr(json, root, "services");
  for (const sb_service *at = plugin->services; at != NULL && at->name != NULL; at++) {
    yyjson_mut_val *made = yyjson_mut_arr_add_obj(json, list);
    yyjson_mut_obj_add_str(json, made, "name", at->name);
    yyjson_mut_obj_add_val(json, made, "takes", schema(json, at->takes));
    yyjson_mut_obj_add_val(json, made, "gives", schema(json, at->gives));
  }
  list = yyjson_mut_obj_add_arr(json, root, "tasks");
  for (const sb_task *at = plugin->tasks; at != NULL && at->name != NULL; at++) {
    yyjson_mut_arr_add_str(json, list, at->name);
  }
  list = yyjson_mut_obj_add_arr(json, root, "commands");
  for (const sb_command *at = plugin->commands; at != NULL && at->name != NULL; at++) {
    yyjson_mut_arr_add_str(json, list, at->name);
  }
  list = yyjson_mut_obj_add_arr(json, root, "hooks");
  for (const sb_hook *at = plugin->hooks; at != NULL && at->name != NULL; at++) {
    yyjson_mut_arr_add_str(json, list, strncmp(at->name, "on_", 3) == 0 ? at->name + 3 : at->name);
  }
  char *text = yyjson_mut_val_write(root, 0, size);
  yyjson_mut_doc_free(json);
  if (text == NULL) abort();
  return text;
}
