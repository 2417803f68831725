//! The reader of manifests: whatever is written there is a manifest, or has faults that can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchboard_manifest::Manifest;

fuzz_target!(|text: &str| {
    match Manifest::read(text) {
        Ok(manifest) => {
            manifest.provides.api_routes.iter().for_each(|route| drop(manifest.address_of(route)));
        }
        Err(faults) => assert!(!faults.report("manifest.yaml").is_empty()),
    }
});
