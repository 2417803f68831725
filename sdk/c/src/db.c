/** The plugin's tables. */
#include <string.h>

#include "bridge.h"

sb_value sb_null(void) { return (sb_value){.kind = SB_NULL}; }
sb_value sb_boolean(bool value) { return (sb_value){.kind = SB_BOOLEAN, .boolean = value}; }
sb_value sb_integer(int64_t value) { return (sb_value){.kind = SB_INTEGER, .integer = value}; }
sb_value sb_real(double value) { return (sb_value){.kind = SB_REAL, .real = value}; }

sb_value sb_text(const char *value) {
  if (value == NULL) return sb_null();
  return (sb_value){.kind = SB_TEXT, .bytes = {(const uint8_t *)value, strlen(value)}};
}

sb_value sb_binary(const void *data, size_t size) { return (sb_value){.kind = SB_BYTES, .bytes = {data, size}}; }

static switchboard_plugin_db_list_value_t sent_values(const sb_value *params, size_t count) {
  switchboard_plugin_db_value_t *sent = sb_take(count * sizeof *sent);
  for (size_t at = 0; at < count; at++) {
    const sb_value *value = &params[at];
    sent[at].tag = (uint8_t)value->kind;
    switch (value->kind) {
      case SB_NULL: break;
      case SB_BOOLEAN: sent[at].val.boolean = value->boolean; break;
      case SB_INTEGER: sent[at].val.integer = value->integer; break;
      case SB_REAL: sent[at].val.real = value->real; break;
      case SB_TEXT: sent[at].val.text = (plugin_string_t){(uint8_t *)value->bytes.data, value->bytes.size}; break;
      case SB_BYTES: sent[at].val.bytes = sb_sent_bytes(value->bytes); break;
    }
  }
  return (switchboard_plugin_db_list_value_t){sent, count};
}

static switchboard_plugin_db_borrow_transaction_t opened(const sb_call *call) {
  return switchboard_plugin_db_borrow_transaction((switchboard_plugin_db_own_transaction_t){call->transaction});
}

bool sb_query(sb_call *call, const char *sql, const sb_value *params, size_t count, sb_rows *rows) {
  plugin_string_t statement = sb_sent(sql);
  switchboard_plugin_db_list_value_t values = sent_values(params, count);
  switchboard_plugin_db_rows_t found;
  switchboard_plugin_types_failure_t failure;
  bool done = call->undo == NULL
                  ? switchboard_plugin_db_query(&statement, &values, &found, &failure)
                  : switchboard_plugin_db_method_transaction_query(opened(call), &statement, &values, &found, &failure);
  if (!done) return sb_refused(call, failure);
  const char **columns = sb_take(found.columns.len * sizeof(char *));
  for (size_t at = 0; at < found.columns.len; at++) columns[at] = sb_received(found.columns.ptr[at]);
  sb_value *cells = sb_take(found.cells.len * sizeof *cells);
  for (size_t at = 0; at < found.cells.len; at++) {
    switchboard_plugin_db_value_t *cell = &found.cells.ptr[at];
    cells[at].kind = (sb_value_kind)cell->tag;
    switch (cells[at].kind) {
      case SB_NULL: break;
      case SB_BOOLEAN: cells[at].boolean = cell->val.boolean; break;
      case SB_INTEGER: cells[at].integer = cell->val.integer; break;
      case SB_REAL: cells[at].real = cell->val.real; break;
      case SB_TEXT:
        cells[at].bytes = (sb_bytes){(const uint8_t *)sb_received(cell->val.text), cell->val.text.len};
        break;
      case SB_BYTES: cells[at].bytes = (sb_bytes){cell->val.bytes.ptr, cell->val.bytes.len}; break;
    }
  }
  size_t width = found.columns.len;
  *rows = (sb_rows){columns, width, width == 0 ? 0 : found.cells.len / width, cells};
  return true;
}

bool sb_execute(sb_call *call, const char *sql, const sb_value *params, size_t count, uint64_t *changed) {
  plugin_string_t statement = sb_sent(sql);
  switchboard_plugin_db_list_value_t values = sent_values(params, count);
  uint64_t number = 0;
  switchboard_plugin_types_failure_t failure;
  bool done =
      call->undo == NULL
          ? switchboard_plugin_db_execute(&statement, &values, &number, &failure)
          : switchboard_plugin_db_method_transaction_execute(opened(call), &statement, &values, &number, &failure);
  if (!done) return sb_refused(call, failure);
  if (changed != NULL) *changed = number;
  return true;
}

yyjson_mut_val *sb_row(sb_call *call, const sb_rows *rows, size_t position) {
  if (position >= rows->count) return NULL;
  yyjson_mut_doc *json = sb_json(call);
  yyjson_mut_val *object = yyjson_mut_obj(json);
  for (size_t column = 0; column < rows->column_count; column++) {
    const sb_value *cell = &rows->cells[position * rows->column_count + column];
    yyjson_mut_val *value = yyjson_mut_null(json);
    if (cell->kind == SB_BOOLEAN) value = yyjson_mut_bool(json, cell->boolean);
    if (cell->kind == SB_INTEGER) value = yyjson_mut_sint(json, cell->integer);
    if (cell->kind == SB_REAL) value = yyjson_mut_real(json, cell->real);
    if (cell->kind == SB_TEXT) value = yyjson_mut_strn(json, (const char *)cell->bytes.data, cell->bytes.size);
    yyjson_mut_obj_add_val(json, object, rows->columns[column], value);
  }
  return object;
}

void sb_rollback(sb_call *call) {
  if (call->undo == NULL) return;
  call->undo = NULL;
  switchboard_plugin_db_transaction_drop_own((switchboard_plugin_db_own_transaction_t){call->transaction});
}

bool sb_begin(sb_call *call) {
  if (call->undo != NULL) return sb_broken(call, "a transaction is begun while another is open");
  switchboard_plugin_db_own_transaction_t transaction;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_db_begin(&transaction, &failure)) return sb_refused(call, failure);
  call->transaction = transaction.__handle;
  call->undo = sb_rollback;
  return true;
}

bool sb_emit_on_commit(sb_call *call, const char *name, const char *subject, yyjson_mut_val *data) {
  if (call->undo == NULL) return sb_broken(call, "`%s` is said on commit, and no transaction is open", name);
  switchboard_plugin_types_new_event_t event = sb_new_event(call, name, subject, data);
  switchboard_plugin_types_failure_t failure;
  if (switchboard_plugin_db_method_transaction_emit(opened(call), &event, &failure)) return true;
  return sb_refused(call, failure);
}

bool sb_first_time(sb_call *call, const sb_event *event, bool *first) {
  if (call->undo == NULL) return sb_broken(call, "no transaction is open in which an event could be handled");
  plugin_string_t source = sb_sent(event->source), id = sb_sent(event->id);
  switchboard_plugin_types_failure_t failure;
  if (switchboard_plugin_db_first_time(opened(call), &source, &id, first, &failure)) return true;
  return sb_refused(call, failure);
}

bool sb_commit(sb_call *call) {
  if (call->undo == NULL) return sb_broken(call, "no transaction is open");
  call->undo = NULL;
  switchboard_plugin_types_failure_t failure;
  switchboard_plugin_db_own_transaction_t transaction = {call->transaction};
  if (switchboard_plugin_db_static_transaction_commit(transaction, &failure)) return true;
  return sb_refused(call, failure);
}

bool sb_engine(sb_call *call, const char **engine) {
  plugin_string_t name;
  switchboard_plugin_types_failure_t failure;
  if (!switchboard_plugin_db_engine(&name, &failure)) return sb_refused(call, failure);
  *engine = sb_received(name);
  return true;
}
