/**
 * Describing values: the parts of TypeBox that plugins need. Each is a JSON Schema, and knows its type.
 *
 * Imported as `import * as Type from "switchboard/type"`: what is not used then does not come into the component.
 */
export {
  Any,
  Array,
  Boolean,
  Enum,
  Integer,
  Literal,
  Null,
  Number,
  Object,
  Optional,
  Record,
  String,
  Tuple,
  Union,
  Unknown,
  Unsafe,
} from "typebox";
