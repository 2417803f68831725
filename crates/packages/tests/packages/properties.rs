//! Properties of the reader: nothing makes it panic, and no damage goes unseen.

use std::sync::OnceLock;

use proptest::prelude::*;
use switchboard_packages::{Bounds, Component, Error, Package, Signature, Source};

use crate::stage::{Built, component, compressed, header, right_files, tape};

fn right() -> &'static [u8] {
    static PACKED: OnceLock<Vec<u8>> = OnceLock::new();
    PACKED.get_or_init(|| Built::new().pack().bytes)
}

/// The tape of a right package.
fn right_tape() -> &'static [u8] {
    static TAPE: OnceLock<Vec<u8>> = OnceLock::new();
    TAPE.get_or_init(|| tape(&right_files()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_that_was_cut_off_is_refused(share in 0.0..1.0_f64) {
        let length = (right().len() as f64 * share) as usize;
        let error = Package::read(&right()[..length], &Bounds::default()).unwrap_err();
        prop_assert!(matches!(error, Error::CutOff | Error::NotCompressed { .. } | Error::Malformed { .. }), "{error}");
    }

    #[test]
    fn a_bit_that_was_flipped_is_seen(share in 0.0..1.0_f64, bit in 0..8_u32) {
        let mut bytes = right().to_vec();
        let place = (bytes.len() as f64 * share) as usize;
        bytes[place] ^= 1 << bit;
        // zstd has bits that nothing is made of; whatever passes holds what the right one holds.
        if let Ok(package) = Package::read(&bytes, &Bounds::default()) {
            let right = Package::read(right(), &Bounds::default()).unwrap();
            prop_assert!(package.files().eq(right.files()));
        }
    }

    #[test]
    fn a_bit_that_was_flipped_before_it_was_compressed_is_refused(share in 0.0..1.0_f64, bit in 0..8_u32) {
        let mut tape = right_tape().to_vec();
        let place = (tape.len() as f64 * share) as usize;
        tape[place] ^= 1 << bit;
        prop_assert!(Package::read(&compressed(&tape), &Bounds::default()).is_err());
    }

    #[test]
    fn any_blocks_are_read_to_an_error(blocks in prop::collection::vec(prop_oneof![
        Just(vec![0; 512]),
        prop::collection::vec(any::<u8>(), 512..=512),
        ("[a-zA-Z./]{0,99}", 0..5000_u64, any::<u8>()).prop_map(|(name, size, kind)| {
            let mut header = header(name.as_bytes(), size);
            header.set_entry_type(tar::EntryType::new(kind));
            header.set_cksum();
            header.as_bytes().to_vec()
        }),
    ], 0..20)) {
        prop_assert!(Package::read(&compressed(&blocks.concat()), &Bounds::default()).is_err());
    }

    #[test]
    fn any_bytes_are_read_to_an_error(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(Package::read(&bytes, &Bounds::default()).is_err());
        let _ = Component::read(&bytes);
        let _ = Signature::parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_damaged_component_is_read_without_a_panic(share in 0.0..1.0_f64, byte in any::<u8>(), length in 0.5..1.0_f64) {
        let mut bytes = component()[..(component().len() as f64 * length) as usize].to_vec();
        let place = (bytes.len() as f64 * share) as usize;
        bytes[place] = byte;
        let _ = Component::read(&bytes);
        let _ = Component::validate(&bytes);
    }

    #[test]
    fn a_source_is_shown_as_it_is_read(text in "(https?://|oci://|)[a-z0-9.:/@\\[\\]-]{0,40}") {
        if let Ok(source) = text.parse::<Source>() {
            prop_assert_eq!(source.to_string().parse::<Source>().unwrap(), source);
        }
    }
}
