//! `switchboard account`: the accounts by which people sign in.

use std::{io::IsTerminal, process::ExitCode};

use anyhow::{Context, bail, ensure};
use serde_json::{Value as Json, json};
use switchboard_api::capability::Random;
use switchboard_capabilities::SystemRandom;

use crate::{cli, client::Client, data_folder::DataFolder, hidden_line::hidden_line, output::Output};

const ADDRESS: &str = "/api/admin/accounts";

/// The letters of passwords that are made here: none that is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Does what was asked for.
///
/// # Errors
/// What the administration says against it.
pub(crate) async fn run(
    folder: &DataFolder,
    what: &cli::Account,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let client = match what {
        // So that there is an administrator before the first start.
        cli::Account::Create { .. } => Client::reach_or_make(folder).await?,
        _ => Client::reach(folder).await?,
    };
    let done = match what {
        cli::Account::Create { email, name, administrator, password_stdin } => {
            let new = json!({
                "email": email, "name": name.as_deref().unwrap_or_default(), "is_administrator": administrator,
            });
            create(&client, new, *password_stdin, output).await
        }
        cli::Account::List { text } => list(&client, text.as_deref().unwrap_or_default(), output).await,
        cli::Account::Disable { email } => switch(&client, email, "disable", output).await,
        cli::Account::Enable { email } => switch(&client, email, "enable", output).await,
        cli::Account::ResetPassword { email, password_stdin } => {
            reset_password(&client, email, *password_stdin, output).await
        }
    };
    client.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

async fn create(client: &Client, mut new: Json, from_stdin: bool, output: &Output) -> anyhow::Result<()> {
    let password = password(from_stdin, output)?;
    if let Some(new) = new.as_object_mut() {
        new.insert("password".to_owned(), password.text.as_str().into());
    }
    let mut made = client.post(ADDRESS, &new).await?;
    tell(&mut made, &password, output);
    Ok(())
}

async fn reset_password(
    client: &Client,
    email: &str,
    from_stdin: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let mut account = find(client, email).await?;
    let password = password(from_stdin, output)?;
    let address = format!("{ADDRESS}/{}/password", number(&account)?);
    client.post(&address, &json!({ "password": password.text })).await?;
    tell(&mut account, &password, output);
    Ok(())
}

/// A password, and whether nobody knows it yet.
struct Password {
    text: String,
    is_new: bool,
}

/// The first line of standard input; at a terminal what is typed there, twice; or one that is made here: 100 random bits.
fn password(from_stdin: bool, output: &Output) -> anyhow::Result<Password> {
    if from_stdin {
        return Ok(Password { text: hidden_line("Password")?, is_new: false });
    }
    // A program that wants JSON is not asked.
    if std::io::stdin().is_terminal() && !output.is_json() {
        let text = hidden_line("Password (empty: one is made)")?;
        if !text.is_empty() {
            ensure!(hidden_line("The same again")? == text, "the two are not the same; nothing was changed");
            return Ok(Password { text, is_new: false });
        }
    }
    let mut bytes = [0; 20];
    SystemRandom.fill(&mut bytes);
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map(char::from);
    Ok(Password { text: bytes.iter().filter_map(letter).collect(), is_new: true })
}

/// Says what became of an account. A password that was made goes alone to standard output, so that a script can keep it.
fn tell(account: &mut Json, password: &Password, output: &Output) {
    let email = account.get("email").and_then(Json::as_str).unwrap_or_default().to_owned();
    if !password.is_new {
        output.result(account, || format!("{email} signs in with the password given."));
        return;
    }
    if let Some(account) = account.as_object_mut() {
        account.insert("password".to_owned(), password.text.as_str().into());
    }
    output.result(account, || password.text.clone());
    output.note(&format!("{email} signs in with this password. It is shown this once: keep it."));
}

async fn list(client: &Client, text: &str, output: &Output) -> anyhow::Result<()> {
    let accounts = all(client, text).await?;
    output.result(&Json::Array(accounts.clone()), || {
        let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
        match rows.is_empty() {
            true => "There is no such account. `switchboard account create EMAIL` makes one.".to_owned(),
            false => output.table(&["ID", "E-MAIL", "NAME", "IS", "CREATED"], &rows),
        }
    });
    Ok(())
}

fn row(account: &Json) -> Vec<String> {
    let text = |name: &str| account.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let is = |name: &str| account.get(name).and_then(Json::as_bool).unwrap_or_default();
    let marks = [
        ("is_administrator", "administrator"),
        ("is_disabled", "disabled"),
        ("has_second_factor", "second factor"),
    ];
    let marks: Vec<&str> = marks.into_iter().filter(|(name, _)| is(name)).map(|(_, mark)| mark).collect();
    let id = account.get("id").map(Json::to_string).unwrap_or_default();
    vec![id, text("email"), text("name"), marks.join(", "), text("created_at")]
}

async fn switch(client: &Client, email: &str, how: &str, output: &Output) -> anyhow::Result<()> {
    let address = format!("{ADDRESS}/{}/{how}", number(&find(client, email).await?)?);
    let account = client.post(&address, &json!({})).await?;
    output.result(&account, || format!("The account {email} is {how}d."));
    Ok(())
}

/// The account of that address.
pub(super) async fn find(client: &Client, email: &str) -> anyhow::Result<Json> {
    let found = all(client, email).await?.into_iter().find(|account| {
        account.get("email").and_then(Json::as_str).is_some_and(|other| other.eq_ignore_ascii_case(email))
    });
    match found {
        Some(account) => Ok(account),
        None => bail!("there is no account {email}; `switchboard account list` shows those there are"),
    }
}

pub(super) fn number(account: &Json) -> anyhow::Result<i64> {
    account.get("id").and_then(Json::as_i64).context("the answer holds no number")
}

/// All accounts whose address or name has the text in it, page by page.
async fn all(client: &Client, text: &str) -> anyhow::Result<Vec<Json>> {
    let text: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let (mut accounts, mut after) = (Vec::new(), 0);
    loop {
        let page = client.get(&format!("{ADDRESS}?limit=200&after={after}&text={text}")).await?;
        accounts.extend(page.get("accounts").and_then(Json::as_array).into_iter().flatten().cloned());
        match page.get("next").and_then(Json::as_i64) {
            Some(next) => after = next,
            None => return Ok(accounts),
        }
    }
}
