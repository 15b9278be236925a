//! What docs/recovery.md says to do when something is lost, done: its commands are read from the page and run.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;
use testing::SoftHsm;

use crate::destruction::destroy;
use crate::harness::{Actor, BOOTSTRAP_TOKEN, TestApp};

const PAGE: &str = include_str!("../../../docs/recovery.md");

/// The blocks of commands of one section.
fn blocks(section: &str) -> Vec<Vec<&'static str>> {
    let begin = format!("\n## {section}\n");
    let rest = PAGE.split_once(&begin).unwrap_or_else(|| panic!("{section}")).1;
    let text = rest.split("\n## ").next().unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split("\n```").next().unwrap().lines().collect())
        .collect()
}

/// Whoever follows the page.
struct Walk {
    /// The server of the place, when it runs.
    app: TestApp,
    /// The migration that was shown last.
    migration: Option<String>,
    variables: Vec<(String, String)>,
}

impl Walk {
    fn of(app: TestApp) -> Self {
        Self {
            app,
            migration: None,
            variables: Vec::new(),
        }
    }

    /// Runs every line in its order; where one starts the server, `serve` does.
    fn follow(mut self, lines: &[&str]) -> Self {
        for line in lines {
            if let Some((settings, _)) = line.split_once("rota serve") {
                self = self.serve(settings);
            } else {
                self.command(line);
            }
        }
        self
    }

    fn serve(self, settings: &str) -> Self {
        let mut variables = self.variables.clone();
        variables.extend(settings.split_whitespace().map(|setting| {
            let (name, value) = setting.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        }));
        Self {
            app: self.app.again(&borrow(&variables)),
            ..self
        }
    }

    /// One command; whatever it prints to be kept is kept.
    fn command(&mut self, line: &str) -> String {
        let said = words(&self.try_command(line));
        for (number, share) in (1..).zip(said.lines().filter(|line| line.starts_with("rota-share-1."))) {
            std::fs::write(self.app.folder().join(format!("new-share-{number}")), share).unwrap();
        }
        let shown = said.lines().find_map(|line| line.strip_prefix("Migration "));
        if let Some((id, _)) = shown.and_then(|rest| rest.split_once(' ')) {
            self.migration = Some(id.to_owned());
        }
        said
    }

    #[track_caller]
    fn try_command(&mut self, line: &str) -> Output {
        let line = line.replace("MIGRATION", self.migration.as_deref().unwrap_or("none"));
        let mut variables = self.variables.clone();
        if line.starts_with("rota key") {
            variables.push(("ROTA_SERVER".to_owned(), self.app.local_url()));
            variables.push(("ROTA_TOKEN".to_owned(), BOOTSTRAP_TOKEN.to_owned()));
        }
        let output = self.app.shell(&self.app.folder(), &borrow(&variables), &line);
        assert!(output.status.success(), "{line}: {}", words(&output));
        output
    }

    /// The people put their new shares where their old ones were.
    fn keep_shares(&self) {
        for number in 1..=3 {
            let name = |begin: &str| self.app.folder().join(format!("{begin}share-{number}"));
            std::fs::rename(name("new-"), name("")).unwrap();
        }
    }

    async fn opens(&self, ciphertext: &str) {
        decrypt(&self.app.bootstrap(), ciphertext)
            .await
            .expect_status(200);
    }
}

fn borrow(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    let pairs = variables.iter();
    pairs
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn words(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A key `orders`, and something sealed under its first version.
async fn fill(app: &TestApp) -> String {
    let key = json!({"name": "orders", "algorithm": "aes256-gcm"});
    app.bootstrap()
        .post("/api/v1/keys", &key)
        .await
        .expect_status(201);
    encrypt(&app.bootstrap()).await
}

async fn encrypt(actor: &Actor) -> String {
    let plaintext = json!({"plaintext": "aHVudGVyMg=="});
    let sealed = actor.post("/api/v1/keys/orders/encrypt", &plaintext).await;
    sealed.expect_status(200).text("/ciphertext").to_owned()
}

async fn decrypt(actor: &Actor, ciphertext: &str) -> crate::harness::Reply {
    let ciphertext = json!({"ciphertext": ciphertext});
    actor.post("/api/v1/keys/orders/decrypt", &ciphertext).await
}

async fn move_version(app: &TestApp, number: u32, state: &str) {
    let path = format!("/api/v1/keys/orders/versions/{number}");
    app.bootstrap()
        .patch(&path, &json!({"state": state, "reason": "test"}))
        .await
        .expect_status(200);
}

async fn rotate(app: &TestApp) {
    let rotate = json!({"reason": "test", "confirm": true});
    app.bootstrap()
        .post("/api/v1/keys/orders/rotate", &rotate)
        .await
        .expect_status(200);
}

/// A server whose root is held in three shares, of which two open it.
fn under_shares(app: TestApp) -> Walk {
    let walk = Walk::of(app).follow(&[
        "rota root migrate --to shares --threshold 2 --shares 3 --reason people",
        "rota root give-share --migration MIGRATION --share new-share-1",
        "rota root give-share --migration MIGRATION --share new-share-2",
        "rota root finalise --migration MIGRATION",
        "rm root.key",
    ]);
    walk.keep_shares();
    walk
}

#[test]
fn every_section_about_a_loss_is_walked_through_here_and_says_what_cannot_be_recovered() {
    let sections: Vec<&str> = PAGE.split("\n## ").skip(1).collect();
    let with_commands: Vec<&str> = sections
        .iter()
        .filter(|section| section.contains("```sh\n"))
        .map(|section| section.lines().next().unwrap())
        .collect();
    let walked = [
        "Before anything is lost",
        "The database is lost or damaged",
        "A share is lost",
        "A key version was revoked by mistake",
        "The HSM or the KMS key is lost",
        "The root passphrase or the key file is lost",
    ];
    assert_eq!(with_commands, walked);
    for section in sections
        .iter()
        .filter(|section| section.contains(" lost\n") || section.contains("mistake\n"))
    {
        let is_a_loss = !section.starts_with("Before");
        assert_eq!(
            section.contains("**What cannot be recovered:**"),
            is_a_loss,
            "{section}"
        );
    }
}

#[tokio::test]
async fn a_lost_database() {
    let app = TestApp::start();
    let of_first = fill(&app).await;
    rotate(&app).await;
    let of_second = encrypt(&app.bootstrap()).await;
    let kept = &blocks("Before anything is lost")[1];
    let mut walk = Walk::of(app).follow(kept);
    move_version(&walk.app, 1, "revoked").await;
    destroy(&walk.app, "orders", 1).await;
    // Made anew after every destruction.
    walk.command("rm rota.tombstones");
    walk.command(kept[0]);
    let said = walk.command(&format!("{} --tombstones rota.tombstones", kept[2]));
    assert!(said.contains("orders 1: destroyed at"), "{said}");
    let folder = walk.app.kill();
    for name in ["rota.db", "rota.db-wal", "rota.db-shm"] {
        let _not_all_are_there = std::fs::remove_file(folder.path().join(name));
    }
    walk.app.put_back(folder);
    let steps = &blocks("The database is lost or damaged")[0];
    let said = walk.command(steps[0]);
    assert!(said.contains("can be restored"), "{said}");
    let walk = walk.follow(&steps[1..]);
    walk.opens(&of_second).await;
    decrypt(&walk.app.bootstrap(), &of_first)
        .await
        .expect_problem(409, "key_version_unusable");
    assert!(walk.app.folder().join("after.backup").exists());
}

#[tokio::test]
async fn a_lost_share() {
    let app = TestApp::start();
    let ciphertext = fill(&app).await;
    let mut walk = under_shares(app);
    walk.command("rota backup --output old.backup");
    std::fs::remove_file(walk.app.folder().join("share-3")).unwrap();
    let walk = walk.follow(&blocks("A share is lost")[0]);
    // What lies there from now on opens by the new shares, and by no old one.
    let walk = walk.serve("");
    walk.app
        .anonymous()
        .get("/readyz")
        .await
        .expect_problem(503, "sealed");
    let refused = walk.app.run(&["unseal", "--share", "share-1"]);
    assert!(
        !refused.status.success() && words(&refused).contains("this share is of set"),
        "{}",
        words(&refused)
    );
    let walk = walk.follow(&[
        "rota unseal --share new-share-3",
        "rota unseal --share new-share-1",
    ]);
    walk.opens(&ciphertext).await;

    // The backup from before needs the old ones, and enough of them.
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str| walk.app.folder().join(name).to_str().unwrap().to_owned();
    let (backup, first, second, new) = (
        file("old.backup"),
        file("share-1"),
        file("share-2"),
        file("new-share-1"),
    );
    for (shares, reason) in [
        (vec![], "held in shares"),
        (vec![&first], "1 of the 2 shares"),
        (vec![&first, &new], "1 of the 2 shares"),
        (vec![&first, &first], "1 of the 2 shares"),
        (vec![&backup], "backup:"),
    ] {
        let mut arguments = vec!["restore", &backup];
        shares
            .iter()
            .for_each(|share| arguments.extend(["--share", share.as_str()]));
        let output = walk.app.run_in(place.path(), &arguments);
        assert!(
            !output.status.success() && words(&output).contains(reason),
            "{}",
            words(&output)
        );
        assert!(!place.path().join("rota.db").exists());
    }
    let arguments = ["restore", "--share", &first, "--share", &second, &backup];
    let output = walk.app.run_in(place.path(), &arguments);
    assert!(output.status.success(), "{}", words(&output));
    assert!(!words(&output).contains("rota-share-1."), "no share is repeated");
}

#[tokio::test]
async fn a_mistaken_revocation() {
    let app = TestApp::start();
    let ciphertext = fill(&app).await;
    move_version(&app, 1, "revoked").await;
    decrypt(&app.bootstrap(), &ciphertext)
        .await
        .expect_problem(409, "key_version_unusable");
    let walk = Walk::of(app).follow(&blocks("A key version was revoked by mistake")[0]);
    walk.opens(&ciphertext).await;
    let key = walk.app.bootstrap().get("/api/v1/keys/orders").await;
    let versions = key.expect_status(200).json()["versions"].clone();
    assert_eq!(
        (&versions[0]["state"], &versions[1]["state"]),
        (&json!("deprecated"), &json!("active"))
    );
}

#[tokio::test]
async fn a_lost_hsm() {
    let hsm = SoftHsm::start();
    let variables: Vec<(String, String)> = [
        ("SOFTHSM2_CONF", hsm.configuration().display().to_string()),
        ("ROTA_ROOT", "pkcs11".to_owned()),
        ("ROTA_PKCS11_MODULE", hsm.module().display().to_string()),
        ("ROTA_PKCS11_TOKEN", SoftHsm::TOKEN.to_owned()),
        ("ROTA_PKCS11_PIN", SoftHsm::PIN.to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    let app = TestApp::start_with(&borrow(&variables));
    let ciphertext = fill(&app).await;
    let mut walk = Walk::of(app);
    walk.variables.clone_from(&variables);
    let mut walk = walk.follow(&blocks("Before anything is lost")[0]);
    let status = walk.command("rota root status");
    assert!(
        status.contains("token rota") && !status.contains("Migration"),
        "{status}"
    );
    walk.keep_shares();

    hsm.plug(false);
    let lost = walk.app.kill();
    for name in ["escrow.backup", "share-1", "share-2"] {
        std::fs::copy(lost.path().join(name), walk.app.folder().join(name)).unwrap();
    }
    let without_shares = walk.app.run_with(
        &walk.app.folder(),
        &borrow(&variables),
        &["restore", "escrow.backup"],
    );
    assert!(!without_shares.status.success(), "{}", words(&without_shares));
    let walk = walk.follow(&blocks("The HSM or the KMS key is lost")[0]);
    walk.opens(&ciphertext).await;
    let status = walk.app.run(&["root", "status"]);
    assert!(
        words(&status).contains("3 shares of set") && !words(&status).contains("Migration"),
        "{}",
        words(&status)
    );
    assert!(walk.app.folder().join("after.backup").exists());
}

#[tokio::test]
async fn a_forgotten_passphrase_while_the_server_runs() {
    let app = TestApp::start_with(&[("ROTA_ROOT_PASSPHRASE", "correct horse battery staple")]);
    let ciphertext = fill(&app).await;
    let walk = Walk::of(app).follow(&blocks("The root passphrase or the key file is lost")[0]);
    let walk = walk.serve("ROTA_ROOT=shares").follow(&[
        "rota unseal --share new-share-2",
        "rota unseal --share new-share-3",
    ]);
    walk.opens(&ciphertext).await;
}

/// What a person at a terminal sees, from when it is started until it says `until`.
fn read_until(output: &mut impl Read, until: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0];
    while !String::from_utf8_lossy(&seen).ends_with(until) {
        assert_eq!(
            output.read(&mut byte).unwrap(),
            1,
            "{until}: {}",
            String::from_utf8_lossy(&seen)
        );
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn shares_are_typed_at_a_terminal_and_not_shown() {
    let app = TestApp::start();
    fill(&app).await;
    let mut walk = under_shares(app);
    walk.command("rota backup --output old.backup");
    let place: TempDir = tempfile::tempdir().unwrap();
    let backup = walk.app.folder().join("old.backup");
    let command = format!(
        "{} restore {}",
        env!("CARGO_BIN_EXE_rota"),
        Path::new(&backup).display()
    );
    let mut terminal = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(place.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script of Debian's package bsdutils");
    let (mut keyboard, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let mut seen = String::new();
    for name in ["share-2", "share-3"] {
        seen.push_str(&read_until(&mut screen, "(not shown): "));
        let share = std::fs::read_to_string(walk.app.folder().join(name)).unwrap();
        keyboard
            .write_all(format!("{}\n", share.trim()).as_bytes())
            .unwrap();
    }
    screen.read_to_string(&mut seen).unwrap();
    assert!(terminal.wait().unwrap().success(), "{seen}");
    assert!(
        seen.contains("Share 2 of 2 needed") && seen.contains("Restored"),
        "{seen}"
    );
    assert!(!seen.contains("rota-share-1."), "{seen}");
}
