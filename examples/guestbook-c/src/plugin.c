/**
 * A guestbook, in C: the plugin that `docs/writing-a-plugin.md` writes in Rust.
 *
 * Everything belongs to the organization of the call: each statement names it.
 */
#include <ctype.h>
#include <string.h>

#include "switchboard.h"

#define ENTRY                                           \
  SB_JSON({                                             \
    "type": "object",                                   \
    "required": ["id", "name", "message", "signed_at"], \
    "properties": {                                     \
      "id": {"type": "integer"},                        \
      "name": {"type": "string"},                       \
      "message": {"type": "string"},                    \
      "signed_at": {"type": "string"}                   \
    }                                                   \
  })

#define NEW_ENTRY                                                      \
  SB_JSON({                                                            \
    "type": "object",                                                  \
    "required": ["name", "message"],                                   \
    "properties": {                                                    \
      "name": {"type": "string", "minLength": 1, "maxLength": 80},     \
      "message": {"type": "string", "minLength": 1, "maxLength": 1000} \
    }                                                                  \
  })

/** The newest entries, at most so many; only those older than the entry of an id, if one is named. */
static bool newest(sb_call *call, int64_t limit, yyjson_val *before, sb_rows *rows) {
  sb_organization organization;
  if (!sb_get_organization(call, &organization)) return false;
  const char *sql =
      "select id, name, message, signed_at from entry"
      " where organization_id = $1 and (cast($2 as bigint) is null or id < $2)"
      " order by id desc limit $3";
  return sb_query(call, sql,
                  SB_PARAMS(sb_integer(organization.id),
                            before == NULL ? sb_null() : sb_integer(yyjson_get_sint(before)), sb_integer(limit)),
                  rows);
}

static bool list_entries(sb_call *call, const sb_request *request, sb_answer *answer) {
  sb_rows rows;
  yyjson_val *before = yyjson_obj_get(request->query, "before");
  if (!newest(call, sb_int_at(request->query, "limit", 20), before, &rows)) return false;
  yyjson_mut_val *entries = yyjson_mut_arr(sb_json(call));
  for (size_t at = 0; at < rows.count; at++) yyjson_mut_arr_append(entries, sb_row(call, &rows, at));
  return sb_answer_json(call, answer, 200, entries);
}

static bool sign(sb_call *call, const sb_request *request, sb_answer *answer) {
  sb_organization organization;
  yyjson_val *new_entry;
  if (!sb_get_organization(call, &organization)) return false;
  if (!sb_apply(call, "guestbook.signing", request->body, &new_entry)) return false;

  sb_rows rows;
  const char *sql =
      "insert into entry (organization_id, name, message, signed_at)"
      " values ($1, $2, $3, $4) returning id, name, message, signed_at";
  if (!sb_begin(call)) return false;
  if (!sb_query(call, sql,
                SB_PARAMS(sb_integer(organization.id), sb_text(sb_text_at(new_entry, "name")),
                          sb_text(sb_text_at(new_entry, "message")), sb_text(sb_timestamp(call, sb_now()))),
                &rows)) {
    return false;
  }
  if (rows.count != 1) return sb_broken(call, "an entry was stored and is not there");
  yyjson_mut_val *entry = sb_row(call, &rows, 0);
  const char *subject = sb_format(call, "entry/%lld", (long long)rows.cells[0].integer);
  if (!sb_emit_on_commit(call, "guestbook.signed", subject, entry)) return false;
  if (!sb_commit(call)) return false;
  sb_count("signatures", 1, SB_NO_LABELS);

  return sb_answer_json(call, answer, 201, entry);
}

/** A text in small letters, as far as ASCII has them; others stay as they are. */
static const char *lowered(sb_call *call, const char *text) {
  char *made = sb_alloc(call, strlen(text) + 1);
  for (size_t at = 0; text[at] != 0; at++) made[at] = (char)tolower((unsigned char)text[at]);
  return made;
}

/** Takes the blanks off both ends of the message, and refuses one with nothing left or with a refused word in it. */
static bool refuse_words(sb_call *call, yyjson_val *entry, yyjson_mut_val **changed) {
  const char *message = sb_text_at(entry, "message");
  size_t length = strlen(message);
  while (length > 0 && isspace((unsigned char)message[length - 1])) length--;
  while (length > 0 && isspace((unsigned char)*message)) message++, length--;
  if (length == 0) return sb_invalid(call, "a message of blanks says nothing");
  message = sb_format(call, "%.*s", (int)length, message);

  yyjson_val *config, *word;
  if (!sb_config(call, &config)) return false;
  size_t at, count;
  yyjson_arr_foreach(yyjson_obj_get(config, "refused_words"), at, count, word) {
    if (strstr(lowered(call, message), lowered(call, yyjson_get_str(word))) != NULL) {
      return sb_conflict(call, "a message with `%s` in it is refused here", yyjson_get_str(word));
    }
  }

  yyjson_mut_doc *json = sb_json(call);
  *changed = yyjson_val_mut_copy(json, entry);
  yyjson_mut_obj_put(*changed, yyjson_mut_str(json, "message"), yyjson_mut_str(json, message));
  return true;
}

/** Has the oldest entries removed. The same event may come twice; removing twice does no harm. */
static bool after_signing(sb_call *call, const sb_event *event) {
  sb_log(call, SB_INFO, "%s signed", sb_text_at(event->data, "name"));
  return sb_schedule(call, "tidy", NULL);
}

/** Removes all entries of the organization but the newest. */
static bool remove_oldest(sb_call *call, const sb_task_run *run) {
  (void)run;
  sb_organization organization;
  yyjson_val *config;
  if (!sb_get_organization(call, &organization) || !sb_config(call, &config)) return false;
  const char *sql =
      "delete from entry where organization_id = $1 and id not in"
      " (select id from entry where organization_id = $1 order by id desc limit $2)";
  int64_t keep = sb_int_at(config, "keep", 1000);
  uint64_t removed;
  if (!sb_execute(call, sql, SB_PARAMS(sb_integer(organization.id), sb_integer(keep)), &removed)) return false;
  yyjson_mut_doc *json = sb_json(call);
  yyjson_mut_val *output = yyjson_mut_obj(json);
  yyjson_mut_obj_add_uint(json, output, "removed", removed);
  return sb_output(call, output);
}

/** How many entries there are; with a name, how many that guest wrote. */
static bool count_entries(sb_call *call, yyjson_val *whose, yyjson_mut_val **result) {
  sb_organization organization;
  if (!sb_get_organization(call, &organization)) return false;
  sb_rows rows;
  const char *sql =
      "select count(*) as entries from entry where organization_id = $1 and (cast($2 as text) is null or name = $2)";
  if (!sb_query(call, sql, SB_PARAMS(sb_integer(organization.id), sb_text(sb_text_at(whose, "name"))), &rows)) {
    return false;
  }
  *result = sb_row(call, &rows, 0);
  return true;
}

/** Tells who signed last. That nobody has is told to nobody but whoever asks. */
static bool tell(sb_call *call, const sb_given *given, sb_said *said) {
  sb_rows rows;
  if (!newest(call, sb_int_at(given->arguments, "count", 3), NULL, &rows)) return false;
  *said = (sb_said){.text = "Nobody has signed yet.", .ephemeral = true};
  for (size_t at = 0; at < rows.count; at++) {
    const sb_value *cells = rows.cells + at * rows.column_count;
    const char *name = (const char *)cells[1].bytes.data, *message = (const char *)cells[2].bytes.data;
    said->text = at == 0 ? sb_format(call, "- **%s**: %s", name, message)
                         : sb_format(call, "%s\n- **%s**: %s", said->text, name, message);
    said->ephemeral = false;
  }
  return true;
}

const sb_plugin switchboard_plugin = {
    .routes =
        (const sb_route[]){
            {
                .key = "GET /entries",
                .id = "list_entries",
                .summary = "List entries",
                .query = SB_JSON({
                  "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
                  "before": {"type": "integer"}
                }),
                .gives = "{\"type\": \"array\", \"items\": " ENTRY "}",
                .handle = list_entries,
            },
            {
                .key = "POST /entries",
                .id = "sign",
                .summary = "Sign",
                .body = NEW_ENTRY,
                .status = 201,
                .gives = ENTRY,
                .handle = sign,
            },
            {0},
        },
    .filters = (const sb_filter[]){{"guestbook.signing", refuse_words}, {0}},
    .listeners = (const sb_listener[]){{"guestbook.signed", after_signing}, {0}},
    .tasks = (const sb_task[]){{"tidy", remove_oldest}, {0}},
    .services =
        (const sb_service[]){
            {
                .name = "guestbook.count",
                .takes = SB_JSON({"type": "object", "properties": {"name": {"type": ["string", "null"]}}}),
                .gives = SB_JSON({"type": "object", "properties": {"entries": {"type": "integer"}}}),
                .answer = count_entries,
            },
            {0},
        },
    .commands = (const sb_command[]){{"signatures", tell}, {0}},
};
