//! What keeps keys in this process's memory from getting out: no core dumps, no reading by others, no swap, and nothing
//! left behind where it was (KEY-11).
//!
//! The program's allocator wipes what is freed; [`wipe_stack`] does the same for the stacks of idle threads, and
//! [`wipe_environment`] for the variables that brought secrets. What a machine does not allow is told and never stops
//! the server.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};

use api::root::Memory;
use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use zeroize::{Zeroize, optimization_barrier};

/// Protects this process's memory as far as the machine allows.
pub fn protect() -> Memory {
    let mut problems = Vec::new();
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let undumpable = setrlimit(Resource::Core, no_core)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = &undumpable {
        problems.push(format!("a crash may write keys to a core dump ({error})"));
    }
    let locked = lock();
    if let Err(problem) = &locked {
        problems.push(problem.clone());
    }
    Memory {
        locked: locked.is_ok(),
        undumpable: undumpable.is_ok(),
        problems,
    }
}

/// Locks every page as it is first touched. With a limit on locked memory a later page might be refused, and the process
/// would die of it; then nothing is locked.
fn lock() -> Result<(), String> {
    let limit = getrlimit(Resource::Memlock);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let is_unlimited = limit.maximum.is_none() && setrlimit(Resource::Memlock, raised).is_ok();
    let is_exempt = capabilities(None).is_ok_and(|own| own.effective.contains(CapabilitySet::IPC_LOCK));
    if !is_unlimited && !is_exempt {
        let problem = "keys may be written to swap: allow locked memory (LimitMEMLOCK=infinity, or CAP_IPC_LOCK), or \
                       use no swap or an encrypted one";
        return Err(problem.to_owned());
    }
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)
        .map_err(|error| format!("keys may be written to swap: memory cannot be locked ({error})"))
}

/// How deep a request's work reaches into a thread's stack, and more.
const STACK: usize = 64 * 1024;

/// Wipes the part of this thread's stack that is free now, where the last work left its copies. For a thread that is
/// about to wait.
#[inline(never)]
pub fn wipe_stack() {
    let mut free = [0u8; STACK];
    // Not by `Zeroize`, which writes byte by byte: that takes twenty times as long, at each wait of a thread.
    free.fill(0);
    optimization_barrier(&free);
}

/// Variables whose values are secrets, or may hold one.
const SECRET_VARIABLES: [&str; 9] = [
    "ROTA_ROOT_PASSPHRASE",
    "ROTA_NEXT_ROOT_PASSPHRASE",
    "ROTA_BOOTSTRAP_TOKEN",
    "ROTA_DATABASE_URL",
    "ROTA_PKCS11_PIN",
    "ROTA_NEXT_PKCS11_PIN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "ROTA_TOKEN",
];

/// Wipes the values of secret variables where the system put them when the process began; /proc/PID/environ and cores
/// show that place. Everything that needs them has read them. False when they could not be reached.
pub fn wipe_environment() -> bool {
    wipe().is_some()
}

/// The environment lies between two addresses that the kernel tells; the process's memory is a file of its own.
fn wipe() -> Option<()> {
    let mut stat = String::new();
    File::open("/proc/self/stat")
        .ok()?
        .read_to_string(&mut stat)
        .ok()?;
    // The program's name stands in parentheses and may hold anything; the fields after it are numbers.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (start, end): (u64, u64) = (fields.get(47)?.parse().ok()?, fields.get(48)?.parse().ok()?);
    let mut memory = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/proc/self/mem")
        .ok()?;
    let mut block = vec![0; usize::try_from(end.checked_sub(start)?).ok()?];
    memory.seek(SeekFrom::Start(start)).ok()?;
    memory.read_exact(&mut block).ok()?;
    let mut at = start;
    for entry in block.split_inclusive(|byte| *byte == 0) {
        let value = entry.iter().position(|byte| *byte == b'=').filter(|equals| {
            SECRET_VARIABLES
                .iter()
                .any(|name| name.as_bytes() == &entry[..*equals])
        });
        if let Some(equals) = value {
            let length = entry.len().saturating_sub(equals + 2);
            memory.seek(SeekFrom::Start(at + equals as u64 + 1)).ok()?;
            memory.write_all(&vec![b'*'; length]).ok()?;
        }
        at += entry.len() as u64;
    }
    block.zeroize();
    Some(())
}
