//! A message as it travels: its rules, and its form by RFC 5322.

use std::{str::FromStr, time::SystemTime};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use serde_json::Value as Json;
use switchboard_api::{Failure, Fault, Timestamp, capability::MailMessage};

/// How many people one message goes to.
const MOST_RECIPIENTS: usize = 50;
/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;
/// What a message may say, text and HTML together, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// RFC 5321, 4.5.3.1.3: a path with its brackets has 256 octets.
const LONGEST_ADDRESS: usize = 254;

/// Whom messages are from: `switchboard@example.com`, or `Switchboard <switchboard@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// Somebody whom no answer reaches.
    pub fn local() -> Self {
        let nobody = Address::new_dangerous("switchboard", "localhost");
        Self(Mailbox::new(Some("Switchboard".to_owned()), nobody))
    }

    pub(super) fn address(&self) -> &Address {
        &self.0.email
    }
}

impl FromStr for Sender {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let right = text
            .parse::<Mailbox>()
            .ok()
            .filter(|it| plain_address(it.email.as_ref()).is_some() && is_one_line(text));
        right.map(Self).ok_or_else(|| {
            format!("{text:?} is no sender: write `name@example.com` or `Name <name@example.com>`")
        })
    }
}

/// A message that breaks no rule, ready to be carried away.
#[derive(Debug, Clone)]
pub struct Letter {
    message: MailMessage,
    id: String,
    written: Timestamp,
    sender: Address,
    recipients: Vec<Address>,
    source: Vec<u8>,
}

impl Letter {
    /// Checks a message, and writes it down.
    pub(super) fn write(
        message: MailMessage,
        from: &Sender,
        id: u128,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let said = message.text.len() + message.html.as_ref().map_or(0, String::len);
        if said as u64 > LARGEST {
            let sentence = format!("a message of {said} bytes is too large: {LARGEST} are the most");
            return Err(Failure::too_large(sentence, LARGEST));
        }
        let recipients = checked(&message)?;
        let id = format!("{id:032x}");
        let source = source(&message, from, &recipients, &id, now)
            .map_err(|error| Failure::invalid(format!("the message cannot be written: {error}")))?;
        Ok(Self { message, id, written: now, sender: from.address().clone(), recipients, source })
    }

    /// The message as the plugin gave it.
    pub fn message(&self) -> &MailMessage {
        &self.message
    }

    /// What its `Message-ID` begins with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was written.
    pub fn written(&self) -> Timestamp {
        self.written
    }

    /// All of it, by RFC 5322.
    pub fn source(&self) -> &[u8] {
        &self.source
    }

    pub(super) fn sender(&self) -> &Address {
        &self.sender
    }

    pub(super) fn recipients(&self) -> &[Address] {
        &self.recipients
    }
}

/// The recipients of a message that breaks no rule.
fn checked(message: &MailMessage) -> Result<Vec<Address>, Failure> {
    let mut faults = Vec::new();
    let mut recipients = Vec::with_capacity(message.to.len());
    if message.to.is_empty() || message.to.len() > MOST_RECIPIENTS {
        let says = format!("A message goes to 1 to {MOST_RECIPIENTS} people");
        faults.push(Fault::new("recipients", ["to"], says, message.to.len().into()));
    }
    for (place, text) in message.to.iter().enumerate().take(MOST_RECIPIENTS) {
        match plain_address(text) {
            Some(address) => recipients.push(address),
            None => {
                let says = "This is no e-mail address such as `ada@example.com`";
                let place = [Json::from("to"), place.into()];
                faults.push(Fault::new("email", place, says, text.as_str().into()));
            }
        }
    }
    let subject = message.subject.as_str();
    if subject.trim().is_empty() || subject.chars().count() > LONGEST_SUBJECT || !is_one_line(subject) {
        let says = format!("A subject has 1 to {LONGEST_SUBJECT} characters on one line");
        faults.push(Fault::new("subject", ["subject"], says, subject.into()));
    }
    if message.text.trim().is_empty() {
        let says = "A message says something in `text`, also beside `html`";
        faults.push(Fault::new("missing", ["text"], says, message.text.as_str().into()));
    }
    if faults.is_empty() { Ok(recipients) } else { Err(Failure::faults(faults)) }
}

/// The address without what RFC 5321 allows and nobody uses: quotes and comments, which have hidden more than one attack.
fn plain_address(text: &str) -> Option<Address> {
    let plain =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !r#""<>()[]\,;:"#.contains(letter);
    let fits = text.len() <= LONGEST_ADDRESS && text.chars().all(plain);
    fits.then(|| text.parse().ok()).flatten()
}

fn is_one_line(text: &str) -> bool {
    !text.chars().any(|letter| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'))
}

fn source(
    message: &MailMessage,
    from: &Sender,
    recipients: &[Address],
    id: &str,
    now: Timestamp,
) -> Result<Vec<u8>, lettre::error::Error> {
    // RFC 3834: nobody's holiday notice answers it.
    let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
    let mut begun = Message::builder()
        .from(from.0.clone())
        .subject(message.subject.as_str())
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{id}@{}>", from.address().domain())))
        .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
    for recipient in recipients {
        begun = begun.to(recipient.clone().into());
    }
    let text = SinglePart::plain(message.text.clone());
    let whole = match &message.html {
        None => begun.singlepart(text),
        Some(html) => {
            // One that follows from the id is as good as a random one, and the same in every test.
            let both = MultiPart::alternative().boundary(format!("part-{id}"));
            begun.multipart(both.singlepart(text).singlepart(SinglePart::html(html.clone())))
        }
    }?;
    Ok(whole.formatted())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(message: MailMessage) -> Result<Letter, Failure> {
        let from = "Switchboard <switchboard@example.com>".parse().unwrap();
        Letter::write(message, &from, 7, Timestamp::constant(1_767_323_045, 0))
    }

    fn source_of(message: MailMessage) -> String {
        String::from_utf8(letter(message).unwrap().source).unwrap()
    }

    #[test]
    fn a_message_has_the_headers_that_mail_servers_want() {
        let source = source_of(MailMessage::new("ada@example.com", "Grüße", "Hello"));
        for line in [
            "From: Switchboard <switchboard@example.com>\r\n",
            "To: ada@example.com\r\n",
            "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n",
            "Date: Fri, 02 Jan 2026 03:04:05 +0000\r\n",
            "Message-ID: <00000000000000000000000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "\r\n\r\nHello",
        ] {
            assert!(source.contains(line), "{line:?} in {source}");
        }
        let both = source_of(MailMessage::new("ada@example.com", "Hi", "Hello").html("<b>Hello</b>"));
        assert!(both.contains("multipart/alternative") && both.contains("<b>Hello</b>"), "{both}");
    }

    #[test]
    fn nothing_that_is_sent_begins_a_header_of_its_own() {
        for subject in
            ["Hi\r\nBcc: eve@example.com", "Hi\nBcc: eve", "Hi\rBcc: eve", "Hi\u{2028}Bcc", "\0", " "]
        {
            let failure = letter(MailMessage::new("ada@example.com", subject, "Hello")).unwrap_err();
            assert!(failure.to_string().starts_with("subject"), "{failure}");
        }
        let source =
            source_of(MailMessage::new("ada@example.com", "Hi", "Hello\r\n.\r\nBcc: eve@example.com"));
        let (headers, _) = source.split_once("\r\n\r\n").unwrap();
        assert!(!headers.contains("Bcc"), "{headers}");
    }

    #[test]
    fn what_is_no_plain_address_is_named_with_its_place() {
        for address in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example.com\r\nRCPT TO:<eve@example.com>",
            "ada@example.com, eve@example.com",
            "Ada <ada@example.com>",
            "\"a b\"@example.com",
            "ada@[127.0.0.1]",
            "ada@exam ple.com",
            &format!("{}@example.com", "a".repeat(300)),
        ] {
            let mut message = MailMessage::new("ada@example.com", "Hi", "Hello");
            message.to.push(address.to_owned());
            let Err(Failure::Invalid { faults, .. }) = letter(message) else {
                panic!("{address:?} is taken")
            };
            assert_eq!(faults[0].place(), "to.1", "{address:?}");
        }
        assert!(letter(MailMessage::new("o'hara+clips@xn--bcher-kva.example", "Hi", "Hello")).is_ok());
    }

    #[test]
    fn messages_to_nobody_to_everybody_about_nothing_and_without_end_are_refused() {
        let hello = MailMessage::new("ada@example.com", "Hi", "Hello");
        let nobody = MailMessage { to: vec![], ..hello.clone() };
        let everybody = MailMessage { to: vec!["ada@example.com".to_owned(); 51], ..hello.clone() };
        let silent = MailMessage { text: "\n".to_owned(), ..hello.clone() };
        let wordy = MailMessage { subject: "x".repeat(201), ..hello.clone() };
        for message in [nobody, everybody, silent, wordy] {
            assert_eq!(letter(message).unwrap_err().kind(), "invalid");
        }
        let endless = hello.html("x".repeat(1024 * 1024));
        assert_eq!(letter(endless).unwrap_err().kind(), "too_large");
    }

    #[test]
    fn a_sender_is_an_address_perhaps_with_a_name() {
        for right in ["a@example.com", "Switchboard <a@example.com>", "\"Ada, of clips\" <a@example.com>"] {
            assert!(right.parse::<Sender>().is_ok(), "{right}");
        }
        for wrong in ["", "Switchboard", "a@example.com\nBcc: b@example.com", "A\nB <a@example.com>"] {
            assert!(wrong.parse::<Sender>().is_err(), "{wrong:?}");
        }
    }
}
