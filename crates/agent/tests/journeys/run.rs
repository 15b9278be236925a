//! `rota run` with real programs, against a server that keeps the contract.

use std::{path::PathBuf, time::Duration};

use crate::support::{Served, TestServer, served, within_ten_seconds};
use agent::run::{HandOver, Masking, OnChange, Options, RunError, Signal, Surroundings, run_with};
use api::AckStatus;
use tokio::{
    io::{AsyncReadExt, DuplexStream},
    sync::mpsc,
    task::JoinHandle,
};

/// A program under `rota run`, with its output and a way to send it signals.
struct Running {
    output: DuplexStream,
    printed: String,
    signals: mpsc::Sender<Signal>,
    ended: JoinHandle<Result<u8, RunError>>,
}

fn options(server: &TestServer, script: &str) -> Options {
    let mut options = Options::new(server.config(), ["sh", "-c", script].map(Into::into).into());
    options.settle = Duration::from_millis(200);
    options.first_version_timeout = Duration::from_secs(5);
    options
}

fn start(options: Options) -> Running {
    let (stdout, output) = tokio::io::duplex(64 * 1024);
    let (signals, receiver) = mpsc::channel(4);
    let ended = tokio::spawn(run_with(
        options,
        Surroundings {
            stdout,
            stderr: tokio::io::sink(),
            signals: receiver,
        },
    ));
    Running {
        output,
        printed: String::new(),
        signals,
        ended,
    }
}

impl Running {
    /// Reads until the program has printed `text`.
    async fn prints(&mut self, text: &str) {
        let mut buffer = [0; 1024];
        while !self.printed.contains(text) {
            let length = within_ten_seconds(self.output.read(&mut buffer)).await.unwrap();
            assert!(length > 0, "it ended having printed only {:?}", self.printed);
            self.printed.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }

    /// Waits for the end and gives the exit code and everything printed.
    async fn end(mut self) -> (Result<u8, RunError>, String) {
        let result = within_ten_seconds(&mut self.ended).await.unwrap();
        within_ten_seconds(self.output.read_to_string(&mut self.printed))
            .await
            .unwrap();
        (result, self.printed)
    }
}

const SHOW_VERSION: &str = r#"echo "version $(cat "$ROTA_CREDENTIALS_DIR/orders-app/version")""#;

#[tokio::test]
async fn values_are_files_in_memory_and_masked_in_the_output() {
    let server = TestServer::start(served(1, None)).await;
    let script = r#"
        cd "$ROTA_CREDENTIALS_DIR/orders-app"; cat username; echo; cat password; echo; cat port; echo
        stat -c '%a %n' . password credential.json; stat -f -c %T .
        cat credential.json; echo; echo "dir $ROTA_CREDENTIALS_DIR"
        exit 7"#;
    let (code, printed) = start(options(&server, script)).end().await;
    assert_eq!(code.unwrap(), 7);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines[..3], ["orders_1", "***", "5432"]);
    assert_eq!(
        lines[3..7],
        ["700 .", "600 password", "600 credential.json", "tmpfs"]
    );
    assert!(lines[7].contains(r#""password":"***""#), "{}", lines[7]);
    assert!(!printed.contains("secret-of"));
    let directory = PathBuf::from(lines[8].strip_prefix("dir ").unwrap());
    assert!(!directory.exists(), "removed at the end");
}

#[tokio::test]
async fn a_new_version_restarts_the_program_and_is_acknowledged_after_the_start() {
    let server = TestServer::start(served(1, None)).await;
    let mut running = start(options(&server, &format!("{SHOW_VERSION}; exec sleep 60")));
    running.prints("version 1").await;
    server.acked(|acks| acks.len() == 1).await;
    server.serve(served(2, Some(1)));
    running.prints("version 2").await;
    let acks = server.acked(|acks| acks.len() == 2).await;
    assert_eq!(
        acks.iter()
            .map(|(_, ack)| (ack.version, ack.status))
            .collect::<Vec<_>>(),
        [(1, AckStatus::Loaded), (2, AckStatus::Loaded)]
    );
    running.signals.send(Signal::TERM).await.unwrap();
    let (code, printed) = running.end().await;
    assert_eq!(code.unwrap(), 128 + 15, "the signal was passed on");
    assert_eq!(printed, "version 1\nversion 2\n");
}

#[tokio::test]
async fn a_new_version_can_be_a_signal_instead() {
    let server = TestServer::start(served(1, None)).await;
    let script = format!("trap '{SHOW_VERSION}; exit 0' HUP; echo ready; while :; do sleep 0.02; done");
    let mut options = options(&server, &script);
    options.on_change = "signal:HUP".parse::<OnChange>().unwrap();
    let mut running = start(options);
    running.prints("ready").await;
    server.acked(|acks| acks.len() == 1).await;
    server.serve(served(2, Some(1)));
    running.prints("version 2").await;
    let (code, _) = running.end().await;
    assert_eq!(code.unwrap(), 0);
    server
        .acked(|acks| acks.last().is_some_and(|(_, ack)| ack.version == 2))
        .await;
    assert!("signal:KILL".parse::<OnChange>().is_err());
}

#[tokio::test]
async fn a_version_that_the_program_does_not_survive_is_acknowledged_as_failed() {
    let server = TestServer::start(served(1, None)).await;
    let script = format!(
        r#"{SHOW_VERSION}; [ "$(cat "$ROTA_CREDENTIALS_DIR/orders-app/version")" = 1 ] || exit 3; exec sleep 60"#
    );
    let mut running = start(options(&server, &script));
    running.prints("version 1").await;
    server.acked(|acks| acks.len() == 1).await;
    server.serve(served(2, Some(1)));
    let (code, _) = running.end().await;
    assert_eq!(code.unwrap(), 3);
    let acks = server.acked(|acks| acks.len() == 2).await;
    assert_eq!((acks[1].1.version, acks[1].1.status), (2, AckStatus::Failed));
    assert!(acks[1].1.error.as_ref().unwrap().contains("code 3"));
}

#[tokio::test]
async fn the_environment_is_used_only_where_asked_for() {
    let server = TestServer::start(served(1, None)).await;
    let mut asked = options(
        &server,
        r#"echo "$DB_USERNAME ${#DB_PASSWORD} $DB_PORT [$PATH_HIDDEN]"; env | grep -c secret-of"#,
    );
    asked.hand_over = HandOver::Environment {
        prefix: "DB_".to_owned(),
    };
    let (code, printed) = start(asked).end().await;
    assert_eq!(code.unwrap(), 0);
    assert_eq!(
        printed,
        format!("orders_1 {} 5432 []\n1\n", crate::support::password(1).len())
    );
    let (_, printed) = start(options(&server, "env")).end().await;
    assert!(
        !printed.contains("secret-of") && !printed.contains("***"),
        "files leave the environment alone"
    );
    let mut contradictory = options(&server, "true");
    contradictory.hand_over = HandOver::Environment {
        prefix: String::new(),
    };
    contradictory.on_change = OnChange::Signal(Signal::HUP);
    assert!(matches!(
        start(contradictory).end().await.0,
        Err(RunError::EnvironmentNeedsRestart)
    ));
}

#[tokio::test]
async fn what_cannot_start_says_why_and_leaves_nothing() {
    let server = TestServer::start(Served::NoVersionYet).await;
    let mut without_version = options(&server, "true");
    without_version.first_version_timeout = Duration::from_millis(200);
    let refused = start(without_version).end().await.0.unwrap_err();
    assert!(
        matches!(refused, RunError::NoFirstVersion(_)) && refused.exit_code() == 125,
        "{refused}"
    );
    server.serve(served(1, None));
    let mut unknown = options(&server, "true");
    unknown.command = vec!["no-such-program".into()];
    unknown.masking = Masking::Off;
    let refused = start(unknown).end().await.0.unwrap_err();
    assert_eq!(refused.exit_code(), 127);
    assert!(refused.to_string().contains("no-such-program"));
    let mut nothing = options(&server, "true");
    nothing.command.clear();
    let surroundings = Surroundings {
        stdout: tokio::io::sink(),
        stderr: tokio::io::sink(),
        signals: mpsc::channel(1).1,
    };
    assert!(matches!(
        run_with(nothing, surroundings).await,
        Err(RunError::NoCommand)
    ));
}

#[tokio::test]
async fn a_program_that_does_not_stop_is_killed() {
    let server = TestServer::start(served(1, None)).await;
    let mut stubborn = options(
        &server,
        &format!("trap '' TERM; {SHOW_VERSION}; while :; do sleep 0.02; done"),
    );
    stubborn.stop_grace = Duration::from_millis(300);
    let mut running = start(stubborn);
    running.prints("version 1").await;
    server.acked(|acks| acks.len() == 1).await;
    server.serve(served(2, None));
    running.prints("version 2").await;
    running.ended.abort();
}
