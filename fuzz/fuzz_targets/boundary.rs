//! What a component hands over: headers, failures, payloads, values for statements.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use switchboard_sandbox::boundary;

#[derive(Debug, Arbitrary)]
enum Handed {
    Headers(Vec<(String, String)>),
    Failure { kind: String, message: String, fault: (String, String, String, String), after: u64, limit: u64 },
    Payload(String),
    Text(String),
    Real(f64),
    Bytes(Vec<u8>),
}

fuzz_target!(|handed: Handed| match handed {
    Handed::Headers(headers) => boundary::headers(headers),
    Handed::Failure { kind, message, fault, after, limit } => {
        boundary::failure(kind, message, fault, after, limit);
    }
    Handed::Payload(text) => boundary::payload(text),
    Handed::Text(text) => boundary::text(text),
    Handed::Real(real) => boundary::real(real),
    Handed::Bytes(bytes) => boundary::bytes(bytes),
});
