//! Small components, written by hand against the contract in `wit/`.

use std::{path::Path, sync::Arc};

use switchboard_api::Plugin;
use switchboard_manifest::Manifest;
use switchboard_sandbox::{Compiler, Error, Options, Sandbox, Seal};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{PackageId, Resolve};

/// What gives memory to whoever calls a guest, and takes none back. It gives from the second page on.
pub(crate) const ALLOCATOR: &str = r#"
    (global $next (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $next))
        (global.set $next
            (i32.and (i32.add (i32.add (local.get $at) (local.get 3)) (i32.const 7)) (i32.const -8)))
        (local.get $at))"#;

/// A guest whose service `<id>.do` runs these instructions. They find the payload at `$at`, `$length`, and leave the answer there.
pub(crate) struct Guest {
    pub(crate) id: &'static str,
    pub(crate) body: String,
    pub(crate) imports: String,
    pub(crate) world: String,
    pub(crate) limits: String,
    pub(crate) capabilities: String,
    pub(crate) provides: String,
    pub(crate) description: Option<String>,
}

impl Guest {
    pub(crate) fn doing(body: &str) -> Self {
        Self {
            id: "guest",
            body: body.to_owned(),
            imports: String::new(),
            world: String::new(),
            limits: "{}".to_owned(),
            capabilities: "[]".to_owned(),
            provides: String::new(),
            description: None,
        }
    }

    pub(crate) fn named(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// With more under `provides`.
    pub(crate) fn providing(self, more: &str) -> Self {
        Self { provides: format!(", {more}"), ..self }
    }

    pub(crate) fn limits(self, limits: &str) -> Self {
        Self { limits: limits.to_owned(), ..self }
    }

    pub(crate) fn capabilities(self, capabilities: &str) -> Self {
        Self { capabilities: capabilities.to_owned(), ..self }
    }

    pub(crate) fn description(self, description: &str) -> Self {
        Self { description: Some(description.to_owned()), ..self }
    }

    /// With an import of the contract: the interface, and the function as the core module sees it.
    pub(crate) fn importing(self, interface: &str, function: &str) -> Self {
        let world = format!("{} import switchboard:plugin/{interface}@0.1.0;", self.world);
        Self { world, imports: format!("{} {function}", self.imports), ..self }
    }

    pub(crate) fn manifest(&self) -> Manifest {
        let Self { id, limits, capabilities, provides, .. } = self;
        let text = format!(
            r#"{{"id": "{id}", "name": "Guest", "version": "1.0.0", "type": "external", "category": "utility",
                "entry_point": "plugin.wasm", "enabled_by_default": true, "limits": {limits}, "capabilities": {capabilities},
                "provides": {{"services": [{{"name": "{id}.do"}}] {provides}}}}}"#
        );
        Manifest::read(&text).expect("a manifest")
    }

    /// The component.
    pub(crate) fn component(&self) -> Vec<u8> {
        let Self { id, body, imports, description, .. } = self;
        let description = description.clone().unwrap_or_else(|| {
            format!(
                r#"{{"routes":[],"filters":[],"listeners":[],"services":[{{"name":"{id}.do","takes":{{}},"gives":{{}}}}],"tasks":[],"hooks":[]}}"#
            )
        });
        let quoted = description.replace('"', "\\\"");
        let length = description.len();
        let module = wat::parse_str(format!(
            r#"(module
                {imports}
                (memory (export "memory") 2)
                (global $calls (mut i32) (i32.const 0))
                (table $table 1 funcref)
                (data (i32.const 1024) "{quoted}")
                {ALLOCATOR}
                (func (export "switchboard:plugin/description@0.1.0#describe") (result i32)
                    (i32.store (i32.const 8) (i32.const 1024))
                    (i32.store (i32.const 12) (i32.const {length}))
                    (i32.const 8))
                (func $the_service_of_the_guest (export "switchboard:plugin/offered-services@0.1.0#answer")
                    (param i32 i32) (param $at i32) (param $length i32) (result i32)
                    (local $n i32)
                    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
                    {body}
                    (i32.store (i32.const 16) (i32.const 0))
                    (i32.store (i32.const 24) (local.get $at))
                    (i32.store (i32.const 28) (local.get $length))
                    (i32.const 16))
                (func (export "cabi_post_switchboard:plugin/offered-services@0.1.0#answer") (param i32)
                    (global.set $next (i32.const 65536))))"#
        ));
        let mut resolve = Resolve::default();
        resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).expect("the contract");
        let world = format!(
            "package test:guest; world guest {{ {} export switchboard:plugin/description@0.1.0; \
             export switchboard:plugin/offered-services@0.1.0; }}",
            self.world
        );
        let package = resolve.push_str("guest.wit", &world).expect("a world");
        encode(module.unwrap_or_else(|error| panic!("{error}")), &resolve, package, "guest")
    }

    /// Writes the component into a folder and loads it.
    pub(crate) async fn load(&self, sandbox: &Sandbox, folder: &Path) -> Result<Arc<dyn Plugin>, Error> {
        std::fs::write(folder.join("plugin.wasm"), self.component()).expect("a file");
        sandbox.load(folder, &self.manifest()).await
    }
}

/// A module as a component of a world.
pub(crate) fn encode(mut module: Vec<u8>, resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).expect("the world");
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).expect("metadata");
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true);
    let encoder = encoder.module(&module).expect("a module that fits the world");
    encoder.encode().unwrap_or_else(|error| panic!("{error:#}"))
}

/// A sandbox whose compiled forms are kept in a folder.
pub(crate) fn sandbox(folder: &Path) -> Sandbox {
    let options = Options {
        instances: 64,
        ..Options::new(folder.join("compiled"), Arc::new(Trusting), Compiler::Here)
    };
    Sandbox::new(options).expect("a sandbox")
}

/// A seal that a test can tell from another.
pub(crate) struct Trusting;

impl Seal for Trusting {
    fn seal(&self, name: &str, digest: &[u8]) -> Result<String, String> {
        Ok(format!("{name} {digest:?}"))
    }

    fn holds(&self, name: &str, digest: &[u8], word: &str) -> bool {
        word == format!("{name} {digest:?}")
    }
}

/// A guest on a stage.
pub(crate) async fn staged(guest: Guest) -> (switchboard_testkit::Stage, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let plugin =
        guest.load(&sandbox(folder.path()), folder.path()).await.unwrap_or_else(|error| panic!("{error}"));
    (switchboard_testkit::Stage::with([plugin]).await, folder)
}
