//! Addresses and ranges of addresses.

use std::net::IpAddr;
use std::str::FromStr;

/// One address, or a range such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

/// The text is no range.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address such as 10.0.0.7 or a range such as 10.0.0.0/8")]
pub struct InvalidRange(String);

impl AddressRange {
    /// Whether `address` lies in it. An IPv4 address that came in as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = |bits: u8| u32::from(bits - self.prefix.min(bits));
        match (self.network.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift(32)).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differing = network.to_bits() ^ address.to_bits();
                differing.checked_shr(shift(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = InvalidRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidRange(text.to_owned());
        let (address, prefix) = text
            .trim()
            .split_once('/')
            .map_or((text.trim(), None), |(a, p)| (a, Some(p)));
        let network: IpAddr = address.parse().map_err(|_| invalid())?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|prefix| *prefix <= longest)
                .ok_or_else(invalid)?,
        };
        Ok(Self { network, prefix })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_should() {
        let check = |range: &str, address: &str| {
            range
                .parse::<AddressRange>()
                .unwrap()
                .contains(address.parse().unwrap())
        };
        assert!(check("10.0.0.0/8", "10.255.1.2"));
        assert!(!check("10.0.0.0/8", "11.0.0.1"));
        assert!(check("10.0.0.7", "10.0.0.7"));
        assert!(check("10.0.0.7", "::ffff:10.0.0.7"));
        assert!(!check("10.0.0.7", "10.0.0.8"));
        assert!(check("0.0.0.0/0", "1.2.3.4"));
        assert!(!check("0.0.0.0/0", "::1"));
        assert!(check("fd00::/8", "fd12::1"));
        assert!("10.0.0.0/33".parse::<AddressRange>().is_err());
        assert!("proxy".parse::<AddressRange>().is_err());
    }
}
