//! Accounts made at the terminal, and signed in to.

use reqwest::Method;
use serde_json::json;

use crate::installation::Installation;

#[tokio::test]
async fn the_first_administrator_is_made_at_the_terminal_and_signs_in() {
    let installation = Installation::new();
    let made = installation.run(&["account", "create", "Ada@example.com", "--administrator"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let password = made.out.trim();
    assert_eq!(password.len(), 20, "the password alone goes to standard output: {password}");
    let server = installation.serve();
    let body = json!({ "email": "ada@example.com", "password": password });
    let sign_in = || server.client().post(server.url("/api/auth/sign-in")).json(&body).send();
    let begun = sign_in().await.unwrap();
    assert_eq!(begun.status(), 200);
    let cookie = begun.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let listing = server.client().request(Method::GET, server.url("/api/admin/accounts"));
    assert_eq!(listing.header("cookie", cookie).send().await.unwrap().status(), 200);
    let listed = installation.run(&["account", "list"]);
    assert!(listed.out.contains("administrator"), "{}", listed.out);
    assert_eq!(installation.run(&["account", "disable", "ada@example.com"]).code, 0);
    assert_eq!(sign_in().await.unwrap().status(), 403);
    assert_eq!(installation.run(&["account", "disable", "bob@example.com"]).code, 1);
}
