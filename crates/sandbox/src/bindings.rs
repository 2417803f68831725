//! The contract's types and functions, generated from `wit/`.
#![allow(missing_docs, unreachable_pub, unsafe_code, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "plugin",
    imports: {
        "switchboard:plugin/call": trappable,
        "switchboard:plugin/log": trappable,
        "switchboard:plugin/clock": trappable,
        "switchboard:plugin/random": trappable,
        "switchboard:plugin/config": trappable,
        "switchboard:plugin/schemas": trappable,
        "switchboard:plugin/metrics": trappable,
        "switchboard:plugin/secrets": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    trappable_error_type: {
        "switchboard:plugin/types.failure" => crate::interrupted::Interrupted,
    },
    with: {
        "switchboard:plugin/bodies.body": crate::capabilities::bodies::Held,
        "switchboard:plugin/blobs.file": crate::capabilities::blobs::OpenFile,
        "switchboard:plugin/blobs.writer": crate::capabilities::blobs::Writing,
        "switchboard:plugin/db.transaction": crate::capabilities::db::Begun,
    },
    require_store_data_send: true,
});

pub use self::switchboard::plugin as imports;
pub use exports::switchboard::plugin as exported;
