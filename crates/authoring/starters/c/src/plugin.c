/** {{name}}. */
#include <stdio.h>

#include "switchboard.h"

static bool hello(sb_call *call, const sb_request *request, sb_answer *answer) {
  yyjson_val *config;
  if (!sb_config(call, &config)) return false;
  const char *name = sb_text_at(request->path, "name");
  sb_log(call, SB_INFO, "greeting %s", name);
  char text[512];
  snprintf(text, sizeof text, "%s, %s!", sb_text_at(config, "greeting"), name);
  yyjson_mut_val *greeting = yyjson_mut_obj(sb_json(call));
  yyjson_mut_obj_add_strcpy(sb_json(call), greeting, "text", text);
  return sb_answer_json(call, answer, 200, greeting);
}

const sb_plugin switchboard_plugin = {
    .routes =
        (const sb_route[]){
            {
                .key = "GET /hello/{name}",
                .id = "hello",
                .summary = "Hello",
                .gives = SB_JSON({"type": "object", "properties": {"text": {"type": "string"}}}),
                .handle = hello,
            },
            {0},
        },
};
