//! A real Prometheus with the rules that ship scrapes the real program, and the alert for refusals fires.

#[cfg(test)]
#[path = "harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest of the harness")]
mod harness;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::harness::{Actor, TestApp};

    /// The rule looks back one minute, so it may take that long, and a busy machine a little more.
    const PATIENCE: Duration = Duration::from_secs(90);
    /// Prometheus offers nothing to wait for, so it is asked.
    const ASKED_EVERY: Duration = Duration::from_millis(500);

    /// A Prometheus of the test's own; killed when dropped.
    struct Prometheus {
        process: Child,
        folder: TempDir,
        url: String,
        anonymous: Actor,
    }

    impl Drop for Prometheus {
        fn drop(&mut self) {
            let _ended_already = self.process.kill();
            let _ended_already = self.process.wait();
        }
    }

    fn shipped(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../deploy/prometheus")
            .join(file)
    }

    impl Prometheus {
        /// The shipped configuration, but for the address that it scrapes and the pace.
        async fn start(app: &TestApp) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let rules = std::fs::read(shipped("rota.rules.yml")).unwrap();
            std::fs::write(folder.path().join("rota.rules.yml"), rules).unwrap();
            let scraped = app.url.trim_start_matches("http://");
            let shipped = std::fs::read_to_string(shipped("prometheus.yml")).unwrap();
            let config = shipped.replace("15s", "1s").replace("127.0.0.1:3000", scraped);
            assert!(
                config.contains(scraped) && config.contains("interval: 1s"),
                "{config}"
            );
            std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
            let port = std::net::TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let log = std::fs::File::create(folder.path().join("log")).unwrap();
            let process = Command::new("prometheus")
                .current_dir(folder.path())
                .arg("--config.file=prometheus.yml")
                .arg("--storage.tsdb.path=data")
                .arg(format!("--web.listen-address=127.0.0.1:{port}"))
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("prometheus is installed; `make test` does that");
            let url = format!("http://127.0.0.1:{port}");
            Self {
                process,
                folder,
                url,
                anonymous: app.anonymous(),
            }
        }

        fn log(&self) -> String {
            std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
        }

        /// What its API says under `data`; null while it does not answer.
        async fn data(&self, path: &str) -> Value {
            let request = self
                .anonymous
                .request(reqwest::Method::GET, &format!("{}{path}", self.url));
            let Ok(response) = request.send().await else {
                return Value::Null;
            };
            let reply: Value = response.json().await.unwrap_or_default();
            reply["data"].clone()
        }

        /// Asks until the answer is right; meanwhile consumers do what they do.
        async fn until<F: Future<Output = ()>>(
            &self,
            path: &str,
            is_so: impl Fn(&Value) -> bool,
            meanwhile: impl Fn() -> F,
        ) -> Value {
            let mut ticks = tokio::time::interval(ASKED_EVERY);
            let asking = async {
                loop {
                    ticks.tick().await;
                    meanwhile().await;
                    let data = self.data(path).await;
                    if is_so(&data) {
                        return data;
                    }
                }
            };
            match tokio::time::timeout(PATIENCE, asking).await {
                Ok(data) => data,
                Err(_) => panic!("{path}: {:#}\n{}", self.data(path).await, self.log()),
            }
        }
    }

    /// The firing alerts of that name.
    fn firing<'a>(alerts: &'a Value, name: &str) -> Vec<&'a Value> {
        let all = alerts["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .filter(|alert| alert["labels"]["alertname"] == name && alert["state"] == "firing")
            .collect()
    }

    #[tokio::test]
    async fn refusals_that_consumers_report_fire_the_alert_that_ships() {
        let app = TestApp::start();
        let rotated = app.with_credential().await;
        rotated
            .consumer
            .get("/api/v1/delivery/orders-app")
            .await
            .expect_status(200);
        let report = |refused: u32| {
            let consumer = rotated.consumer.clone();
            async move {
                let signals = json!({"signals": [
                    {"credential": "orders-app", "version": 1, "status": 200, "count": 20},
                    {"credential": "orders-app", "version": 1, "status": 401, "count": refused.max(1)},
                ]});
                let lines = if refused == 0 {
                    json!({"signals": [signals["signals"][0]]})
                } else {
                    signals
                };
                let accepted = consumer.post("/api/v1/signals", &lines).await;
                assert!(accepted.status.is_success(), "{}", accepted.body);
            }
        };
        let prometheus = Prometheus::start(&app).await;

        // Well: it is scraped, the outcomes are counted, and nothing fires.
        let scraped = "/api/v1/query?query=rota_auth_outcomes_total%7Bstatus%3D%222xx%22%7D";
        let has_series = |data: &Value| data["result"].as_array().is_some_and(|series| !series.is_empty());
        prometheus.until(scraped, has_series, || report(0)).await;
        assert!(firing(&prometheus.data("/api/v1/alerts").await, "RotaRefusals").is_empty());

        // Refused: one in five.
        let fires = |data: &Value| !firing(data, "RotaRefusals").is_empty();
        let alerts = prometheus.until("/api/v1/alerts", fires, || report(5)).await;
        let alert = firing(&alerts, "RotaRefusals")[0];
        assert_eq!(alert["labels"]["credential"], "orders-app", "{alert:#}");
        assert_eq!(alert["labels"]["severity"], "page", "{alert:#}");
        assert_eq!(
            alert["annotations"]["summary"], "orders-app is being refused",
            "{alert:#}"
        );
        let rules = prometheus.data("/api/v1/rules").await;
        assert!(
            !rules.to_string().contains("\"health\":\"err\""),
            "every rule can be evaluated: {rules:#}"
        );
    }

    #[tokio::test]
    async fn what_is_scraped_follows_the_conventions_of_prometheus() {
        let app = TestApp::start();
        let rotated = app.with_credential().await;
        rotated
            .consumer
            .get("/api/v1/delivery/orders-app")
            .await
            .expect_status(200);
        let scrape = app.anonymous().get("/metrics").await.expect_status(200).body;
        let mut promtool = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("promtool is installed; `make test` does that");
        promtool
            .stdin
            .take()
            .unwrap()
            .write_all(scrape.as_bytes())
            .unwrap();
        let checked = promtool.wait_with_output().unwrap();
        let said = [checked.stdout, checked.stderr].concat();
        assert!(
            checked.status.success(),
            "{}\n{scrape}",
            String::from_utf8_lossy(&said)
        );
    }
}
