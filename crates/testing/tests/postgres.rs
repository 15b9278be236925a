//! The harness keeps its word.

use std::net::TcpStream;

use testing::Postgres;

#[test]
fn each_test_gets_an_empty_database_on_a_shared_server() {
    let first = Postgres::start();
    let second = Postgres::start();
    assert_eq!(first.port(), second.port());
    assert_ne!(first.database(), second.database());
    first.execute("create table only_here (id bigint)");
    assert_eq!(
        second.execute("select count(*) from pg_tables where tablename = 'only_here'"),
        "0"
    );
    assert_eq!(
        first.execute("select count(*) from pg_tables where tablename = 'only_here'"),
        "1"
    );
}

#[test]
fn a_server_stops_with_its_last_holder_and_an_outage_ends() {
    let postgres = Postgres::start_alone(&["log_statement=all"]);
    postgres.execute("create table kept (id bigint)");
    postgres.stop();
    assert!(TcpStream::connect((postgres.host(), postgres.port())).is_err());
    postgres.start_again();
    assert_eq!(postgres.execute("select count(*) from kept"), "0");
    assert_eq!(postgres.execute("show log_statement"), "all");
    let (port, folder) = (postgres.port(), postgres.folder().to_owned());
    drop(postgres);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!folder.exists());
}
