//! TLS to the server: who answers is checked unless the configuration says otherwise.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use engine::catalog::Strategy;
use engine::rotation::ErrorClass;
use serde_json::json;
use testing::Postgres;

use crate::acts;
use crate::fixture::{Fixture, values};
use crate::postgresql::{ADMIN, ADMIN_PASSWORD, issuer_config, prepare};

pub(crate) fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "openssl {arguments}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A certificate authority; gives its certificate.
pub(crate) fn make_authority(folder: &Path, name: &str) -> String {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} \
             -keyout {name}.key -out {name}.pem -addext basicConstraints=critical,CA:TRUE"
        ),
    );
    fs::read_to_string(folder.join(format!("{name}.pem"))).unwrap()
}

/// Gives the server a certificate for `alternative_name`, and restarts it with TLS.
fn serve_tls(postgres: &Postgres, alternative_name: &str) {
    let folder = postgres.folder();
    fs::write(
        folder.join("extensions"),
        format!("subjectAltName={alternative_name}\n"),
    )
    .unwrap();
    openssl(
        folder,
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -days 2 -extfile extensions \
         -out server.crt",
    );
    let owner = fs::metadata(folder.join("data")).unwrap();
    for file in ["server.key", "server.crt"] {
        let target = folder.join("data").join(file);
        fs::copy(folder.join(file), &target).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&target, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    postgres.execute("alter system set ssl = on");
    postgres.stop();
    postgres.start_again();
}

#[tokio::test]
async fn the_server_must_prove_who_it_is() {
    let postgres = Postgres::start_alone(&[]);
    prepare(&postgres);
    let ours = make_authority(postgres.folder(), "ours");
    let theirs = make_authority(postgres.folder(), "theirs");
    let fixture = |sslmode: &str, ca_pem: Option<&str>| {
        let mut issuer = issuer_config(&postgres);
        issuer["sslmode"] = json!(sslmode);
        if let Some(ca_pem) = ca_pem {
            issuer["ca_pem"] = json!(ca_pem);
        }
        let admin = values(&[("username", ADMIN), ("password", ADMIN_PASSWORD)]);
        Fixture::new(
            "postgresql",
            Strategy::Alternating,
            &issuer,
            &json!({"role": "app"}),
            admin,
        )
    };

    serve_tls(&postgres, "IP:127.0.0.1");
    let verified = fixture("verify-full", Some(&ours));
    assert_eq!(
        verified.inspect_issuer().await.unwrap().findings,
        Vec::<String>::new()
    );
    acts::keeps_the_contract_with_overlap(&verified).await;
    for (sslmode, ca_pem) in [
        ("verify-full", None),
        ("verify-full", Some(theirs.as_str())),
        ("verify-ca", None),
    ] {
        let error = fixture(sslmode, ca_pem).inspect_issuer().await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Policy, "{sslmode}: {error}");
        assert!(error.detail.contains("TLS"), "{error}");
    }
    for (sslmode, ca_pem) in [("verify-ca", Some(ours.as_str())), ("require", None)] {
        fixture(sslmode, ca_pem).inspect_issuer().await.unwrap();
    }

    serve_tls(&postgres, "DNS:db.example");
    let error = fixture("verify-full", Some(&ours))
        .inspect_issuer()
        .await
        .unwrap_err();
    assert_eq!(
        error.class,
        ErrorClass::Policy,
        "another host's certificate: {error}"
    );
    fixture("require", None).inspect_issuer().await.unwrap();
}
