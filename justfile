# The commands that people repeat. `just` alone lists them; https://just.systems

set shell := ["bash", "-euo", "pipefail", "-c"]

default:
    @just --list --unsorted

# Start the server on embedded SQLite; data in ./data
run *args:
    cargo run -- serve {{ args }}

# All tests, or those of one crate: just test -p clips
test *args="--workspace":
    cargo test --locked {{ args }}

# Format check and lints, with warnings as errors
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Put everything into the house's format
fmt:
    cargo fmt --all

# The house rules alone: arrows between crates, file names, plugin folders, links
rules:
    cargo test --locked -p xtask

# The library documentation, opened in a browser
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --open

# Measure against a bare axum + rusqlite server in the same run
bench *args:
    scripts/bench {{ args }}

# Everything that must hold before a merge, as the build machine does it
ci:
    .ci/run

# Licences, duplicate versions and sources of all dependencies
deny:
    cargo deny --all-features check licenses bans sources

# Known vulnerabilities and withdrawn crates; fetches the advisory database
advisories:
    cargo deny --all-features check advisories

# Make the sample clips that the demonstration uploads
media:
    scripts/make-media

# Hand a reader whatever comes to mind, for so many seconds: just fuzz manifest, just fuzz package, just fuzz boundary 600 --features boundary
fuzz target seconds="120" *args:
    RUSTC_BOOTSTRAP=1 cargo fuzz run {{ args }} {{ target }} -- -max_total_time={{ seconds }} -max_len=65536

# Look at the pages with a real browser
browser:
    .ci/run browser
