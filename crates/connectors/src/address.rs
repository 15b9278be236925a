//! Which addresses a request may go to, so that a configuration cannot be used to reach into our own network (SSRF).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How far requests may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The public internet only.
    Public,
    /// Loopback and private networks too. Link-local addresses, where clouds keep their metadata, never.
    Private,
}

/// An address that requests may not go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AddressRefused {
    host: String,
    address: IpAddr,
    reach: Reach,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, address, reach } = self;
        match reach {
            Reach::Public => write!(
                formatter,
                "`{host}` is {address}, which is not a public address; set allow_private_network to true if it \
                 really stands in your own network"
            ),
            Reach::Private => write!(
                formatter,
                "`{host}` is {address}, which is link-local, a cloud's metadata service or no host at all; requests \
                 never go there"
            ),
        }
    }
}

impl std::error::Error for AddressRefused {}

impl Reach {
    /// Checks an address that stands in a URL itself. Names are checked when they are resolved. The URL parser has
    /// turned every way of writing an address (decimal, octal, hexadecimal, short) into one.
    pub(crate) fn check_url(self, url: &Url) -> Result<(), AddressRefused> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(url.host_str().unwrap_or_default(), IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.check(url.host_str().unwrap_or_default(), IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    fn check(self, host: &str, address: IpAddr) -> Result<(), AddressRefused> {
        let allowed = match place(address) {
            Place::Public => true,
            Place::Private => self == Self::Private,
            Place::Never => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(AddressRefused {
                host: host.to_owned(),
                address,
                reach: self,
            })
        }
    }
}

/// Resolves names, and refuses those with an address out of reach. The connection then goes to the addresses that
/// were checked, so a name that changes its mind in between gains nothing.
impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = *self;
        Box::pin(async move {
            let host = name.as_str();
            let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            for address in &addresses {
                reach.check(host, address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Public,
    Private,
    Never,
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    let [first, second, third, _] = address.octets();
    // Alibaba's metadata service stands in the shared range, beside the link-local one that everyone else uses.
    if address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200) {
        return Place::Never;
    }
    if first == 0 || address.is_multicast() || first >= 240 {
        return Place::Never;
    }
    let shared = first == 100 && (64..128).contains(&second);
    let special = matches!(
        (first, second, third),
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113)
    );
    if address.is_loopback() || address.is_private() || shared || special {
        Place::Private
    } else {
        Place::Public
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        place_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Private,
        // Mapped (::ffff:a.b.c.d), compatible (::a.b.c.d), translated (64:ff9b::a.b.c.d) and 6to4 carry an IPv4 address.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Amazon's metadata service over IPv6.
        [0xfd00, 0xec2, ..] => Place::Never,
        [first, ..] if first & 0xfe00 == 0xfc00 => Place::Private,
        // Teredo, ORCHID and documentation within the global range.
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => Place::Never,
        [first, ..] if first & 0xe000 == 0x2000 => Place::Public,
        _ => Place::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(reach: Reach, url: &str) -> bool {
        reach.check_url(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn our_own_network_is_out_of_reach_however_it_is_written() {
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://127.1/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://192.0.2.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[2002:0a00:0001::]/",
            "http://[fc00::1]/",
            "http://[fdab::1]/",
        ] {
            assert!(!verdict(Reach::Public, url), "{url}");
            assert!(verdict(Reach::Private, url), "{url} with the override");
        }
    }

    #[test]
    fn metadata_and_nowhere_are_always_out_of_reach() {
        for url in [
            "http://169.254.169.254/",
            "http://2852039166/",
            "http://0251.0376.0251.0376/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://100.100.100.200/",
            "http://0.0.0.0/",
            "http://0/",
            "http://[::]/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://240.0.0.1/",
            "http://[ff02::1]/",
            "http://[2001::1]/",
            "http://[2001:db8::1]/",
            "http://[100::1]/",
            "http://[64:ff9b:1::1]/",
        ] {
            assert!(!verdict(Reach::Public, url), "{url}");
            assert!(!verdict(Reach::Private, url), "{url} with the override");
        }
    }

    #[test]
    fn public_addresses_are_in_reach() {
        for url in [
            "https://1.1.1.1/",
            "https://8.8.8.8/",
            "https://172.32.0.1/",
            "https://[2606:4700::1111]/",
            "https://[2002:0808:0808::]/",
        ] {
            assert!(verdict(Reach::Public, url), "{url}");
        }
    }
}
