//! Commands of plugins, given at the terminal: as a line of words, like in a chat.

use std::path::Path;

use serde_json::json;

use crate::installation::Installation;

#[test]
fn a_command_is_given_at_the_terminal_and_what_is_said_is_shown() {
    let installation = Installation::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/guestbook-c");
    let plugin = installation.data("plugins").join("guestbook");
    std::fs::create_dir_all(plugin.parent().unwrap()).unwrap();
    let args = ["plugin", "build", source.to_str().unwrap(), "--output", plugin.to_str().unwrap()];
    installation.json(&args);
    let listed = installation.run(&["plugin", "command", "list"]);
    assert!(listed.out.contains("guestbook  signatures [count]"), "{}{}", listed.out, listed.err);
    let said = installation.run(&["plugin", "command", "run", "signatures", "3"]);
    assert_eq!((said.code, said.out.trim()), (0, "Nobody has signed yet."), "{}", said.err);
    let said = installation.json(&["plugin", "command", "run", "guestbook:signatures"]);
    assert_eq!(said, json!({"text": "Nobody has signed yet.", "ephemeral": true}));
    // What the shell takes for one word stays one.
    let wrong = installation.run(&["plugin", "command", "run", "signatures", "one \"or\" two"]);
    assert!(wrong.code == 1 && wrong.err.contains("arguments.count"), "{}", wrong.err);
    let many = installation.run(&["plugin", "command", "run", "signatures", "1", "2"]);
    assert!(many.code == 1 && many.err.contains("signatures [count]"), "{}", many.err);
    let nobody = installation.run(&["plugin", "command", "run", "nothing", "--org", "nowhere"]);
    assert!(nobody.code == 1 && nobody.err.contains("`nowhere`"), "{}", nobody.err);
}
