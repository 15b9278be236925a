//! What programs ask of the keyring over HTTP: how often a second, how fast, and what it costs the server, beside our own
//! `/healthz` and the disk in the same run.

mod changes;
mod subject;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::figures::{Figures, quantile};
use crate::load::{Load, Requests, Run, drive};
use crate::machine;
use crate::scale::Turns;
use subject::{Operation, Shape, Subject};

const SECTION: &str = "operations";
const SMALL: usize = 64;
const LARGE: usize = 16 * 1_024;
const SYNCS_FOR: Duration = Duration::from_secs(1);
/// How fast a server is when it is not hurried, for P2.
const FIXED_RATE: f64 = 2_000.0;

/// Everything.
pub async fn measure(figures: &mut Figures) -> Result<()> {
    let written = Subject::start("written").await?;
    let fsynced = Subject::start("fsynced").await?;
    speed(figures, &written).await?;
    durability(figures, &written, &fsynced).await?;
    changes::measure(figures, &written).await?;
    table(figures, &written, "written").await?;
    table(figures, &fsynced, "fsynced").await
}

/// Something that takes turns with others.
struct Contender<'a> {
    subject: &'a Subject,
    shape: Shape,
    clients: usize,
    requests: Requests,
    runs: Vec<Run>,
}

impl<'a> Contender<'a> {
    async fn new(subject: &'a Subject, shape: Shape, clients: usize) -> Result<Self> {
        Ok(Self {
            subject,
            shape,
            clients,
            requests: subject.requests(shape).await?,
            runs: Vec::new(),
        })
    }

    async fn run(&mut self, lasts: Duration, rate: Option<f64>) -> Result<()> {
        let load = Load {
            requests: self.requests.clone(),
            clients: self.clients,
            lasts,
            rate,
        };
        self.runs.push(drive(&self.subject.server, load).await?);
        Ok(())
    }

    fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        let mut values: Vec<f64> = self.runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    }

    /// Requests a second, the median of its turns.
    fn rate(&self) -> f64 {
        self.median(Run::per_second)
    }

    fn items(&self) -> f64 {
        self.rate() * self.shape.items as f64
    }

    /// Of the server, for one request; the median of its turns.
    fn cpu(&self) -> f64 {
        self.median(Run::cpu_micros)
    }

    fn quantile(&self, share: f64) -> Duration {
        let all: Vec<Duration> = self.runs.iter().flat_map(|run| run.latencies.clone()).collect();
        quantile(&all, share)
    }

    fn in_words(&self) -> String {
        let items = if self.shape.items > 1 {
            format!(" {:>8.0} items/s", self.items())
        } else {
            String::new()
        };
        format!(
            "{:<22} c={:<3} {:>7.0}/s{items}  p50 {}  p99 {}  {:>7.1} us of CPU",
            self.shape.to_string(),
            self.clients,
            self.rate(),
            millis(self.quantile(0.5)),
            millis(self.quantile(0.99)),
            self.cpu()
        )
    }
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// All take a turn, and again, so that what disturbs one disturbs all.
async fn interleaved(contenders: &mut [Contender<'_>], turns: Turns) -> Result<()> {
    for _ in 0..turns.rounds {
        for contender in &mut *contenders {
            contender.run(turns.lasts, None).await?;
        }
    }
    Ok(())
}

/// P1, P3 and P4.
async fn speed(figures: &mut Figures, subject: &Subject) -> Result<()> {
    use Operation::{Decrypt, Encrypt, Rewrap};
    let mut contenders = Vec::new();
    for shape in [
        Shape::HEALTHZ,
        Shape::single(Encrypt, SMALL),
        Shape::single(Decrypt, SMALL),
        Shape::single(Rewrap, SMALL),
        Shape::batch(Encrypt, SMALL),
        Shape::batch(Decrypt, SMALL),
    ] {
        contenders.push(Contender::new(subject, shape, 64).await?);
    }
    interleaved(&mut contenders, Turns::of(5, 1.5)).await?;
    for contender in &contenders {
        figures.shown(SECTION, format!("written  {}", contender.in_words()));
    }
    let [healthz, encrypt, decrypt, rewrap, encrypts, decrypts] = contenders.as_slice() else {
        anyhow::bail!("six were measured");
    };
    let ratio = encrypt.cpu() / healthz.cpu();
    figures.goal(
        SECTION,
        format!("P1: an encrypt of 64 B costs {ratio:.2}x the CPU of /healthz (goal 2)"),
        ratio <= 2.0,
    );
    figures.goal(
        SECTION,
        format!(
            "P1: {:.0} encrypts/s with audit written, c=64, beside the generator (goal 16,000)",
            encrypt.rate()
        ),
        encrypt.rate() >= 16_000.0,
    );
    let pairs = 1.0 / (1.0 / decrypt.rate() + 1.0 / encrypt.rate());
    figures.shown(
        SECTION,
        format!(
            "P3: {:.0} rewraps/s are {:.2}x our own {pairs:.0} pairs of decrypt and encrypt a second",
            rewrap.rate(),
            rewrap.rate() / pairs
        ),
    );
    for (name, batch, single) in [("encrypt", encrypts, encrypt), ("decrypt", decrypts, decrypt)] {
        let gain = batch.items() / single.items();
        figures.goal(
            SECTION,
            format!("P4: {name} in batches of 100 does {gain:.1}x the items of single calls (goal 8)"),
            gain >= 8.0,
        );
    }
    Ok(())
}

/// P2.
async fn durability(figures: &mut Figures, written: &Subject, fsynced: &Subject) -> Result<()> {
    let shape = Shape::single(Operation::Encrypt, SMALL);
    let mut contenders = vec![
        Contender::new(written, shape, 256).await?,
        Contender::new(fsynced, shape, 256).await?,
        Contender::new(fsynced, shape, 1).await?,
    ];
    let mut paced = Contender::new(fsynced, shape, 64).await?;
    let turns = Turns::of(5, 1.5);
    let mut syncs = Vec::new();
    for _ in 0..turns.rounds {
        syncs.extend(machine::sync_times(SYNCS_FOR.min(turns.lasts))?);
        let one = Turns { rounds: 1, ..turns };
        interleaved(&mut contenders, one).await?;
        paced.run(turns.lasts, Some(FIXED_RATE)).await?;
    }
    let [of_written, of_fsynced, alone] = contenders.as_slice() else {
        anyhow::bail!("three were measured");
    };
    for (name, contender) in [
        ("written", of_written),
        ("fsynced", of_fsynced),
        ("fsynced", alone),
    ] {
        figures.shown(SECTION, format!("{name}  {}", contender.in_words()));
    }
    let per_second = machine::syncs_per_second(&syncs);
    let sync = Duration::from_secs_f64(1.0 / per_second);
    figures.shown(
        SECTION,
        format!(
            "one fdatasync: mean {}, p99 {}; {per_second:.0} a second",
            millis(sync),
            millis(quantile(&syncs, 0.99))
        ),
    );
    let ratio = of_fsynced.rate() / of_written.rate();
    figures.goal(
        SECTION,
        format!("P2: fsynced does {ratio:.2}x the requests of written, c=256 (goal 0.7)"),
        ratio >= 0.7,
    );
    let in_syncs = |contender: &Contender<'_>| contender.quantile(0.99).as_secs_f64() / sync.as_secs_f64();
    figures.goal(
        SECTION,
        format!(
            "P2: p99 is {:.1} mean fdatasyncs at c=256 (goal 10)",
            in_syncs(of_fsynced)
        ),
        in_syncs(of_fsynced) <= 10.0,
    );
    figures.goal(
        SECTION,
        format!(
            "P2: p99 is {:.1} mean fdatasyncs at {:.0} requests/s (goal 4 at {FIXED_RATE:.0})",
            in_syncs(&paced),
            paced.rate()
        ),
        in_syncs(&paced) <= 4.0 && paced.rate() >= FIXED_RATE * 0.95,
    );
    let gain = of_fsynced.rate() / per_second;
    figures.goal(
        SECTION,
        format!(
            "P2: fsynced does {gain:.1}x the requests of a bare loop of one fdatasync each, and {:.1}x those of one client \
             that waits for each (goal 40)",
            of_fsynced.rate() / alone.rate()
        ),
        gain >= 40.0,
    );
    Ok(())
}

/// Every operation, size and form, at three degrees of concurrency.
async fn table(figures: &mut Figures, subject: &Subject, durability: &str) -> Result<()> {
    use Operation::{Decrypt, Encrypt, Rewrap};
    let turns = Turns::of(1, 0.8);
    let mut shapes = vec![Shape::HEALTHZ];
    for operation in [Encrypt, Decrypt, Rewrap] {
        for bytes in [SMALL, LARGE] {
            shapes.push(Shape::single(operation, bytes));
            shapes.push(Shape::batch(operation, bytes));
        }
    }
    for shape in shapes {
        let requests = subject.requests(shape).await?;
        let mut contenders: Vec<Contender<'_>> = [1, 16, 64]
            .map(|clients| Contender {
                subject,
                shape,
                clients,
                requests: requests.clone(),
                runs: Vec::new(),
            })
            .into();
        interleaved(&mut contenders, turns)
            .await
            .with_context(|| format!("{durability}, {shape}"))?;
        for contender in &contenders {
            figures.shown(SECTION, format!("{durability}  {}", contender.in_words()));
        }
    }
    Ok(())
}
