//! Tokens made and revoked at the terminal.

use crate::installation::Installation;

#[tokio::test]
async fn a_token_opens_from_the_moment_it_is_made_until_it_is_revoked() {
    let installation = Installation::new();
    let mut server = installation.serve();
    let made = installation.json(&["token", "create", "laptop"]);
    server.token = Some(made["token"].as_str().unwrap().to_owned());
    assert_eq!(server.status("/api/v1/clips").await, 200);
    installation.json(&["token", "revoke", &made["id"].to_string()]);
    assert_eq!(server.status("/api/v1/clips").await, 401);
    let again = installation.run(&["token", "revoke", &made["id"].to_string()]);
    assert_eq!(again.code, 1);
}

#[tokio::test]
async fn a_token_may_do_what_it_was_made_for_and_no_more() {
    let installation = Installation::new();
    let mut server = installation.serve();
    server.make_clip("Seen").await;
    let made = installation.json(&["token", "create", "reader", "--org", "default", "--allow", "clip:read"]);
    server.token = Some(made["token"].as_str().unwrap().to_owned());
    assert_eq!(server.status("/api/v1/clips").await, 200);
    assert_eq!(server.status("/api/admin/plugins").await, 403);
}

#[test]
fn the_token_alone_goes_to_standard_output() {
    let installation = Installation::new();
    let made = installation.run(&["token", "create", "before-the-first-start"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let token = made.out.trim();
    assert!(token.starts_with("swb_") && !token.contains(char::is_whitespace), "{token}");
    let listed = installation.run(&["token", "list"]);
    assert!(listed.out.contains("before-the-first-start") && !listed.out.contains(token), "{}", listed.out);
    assert_eq!(installation.serve().token, None, "there is a token already");
}

#[test]
fn a_second_token_of_the_same_name_is_refused() {
    let installation = Installation::new();
    installation.json(&["token", "create", "laptop"]);
    let second = installation.run(&["token", "create", "laptop"]);
    assert_eq!(second.code, 1);
    assert!(second.err.contains("`laptop`"), "{}", second.err);
}
