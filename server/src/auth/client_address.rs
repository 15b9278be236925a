//! Where a request comes from. Only a named proxy may say that it comes from somewhere else.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

use crate::config::AddressRange;

/// The other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The client's address: the peer's, or behind trusted proxies the last one in `X-Forwarded-For` that is none of them.
/// What stands further left was written by the client and proves nothing.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[AddressRange]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let peer = peer.to_canonical();
    if !is_trusted(peer) {
        return peer;
    }
    let mut nearest = peer;
    let values: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
    for value in values.iter().rev() {
        for entry in value.to_str().unwrap_or_default().rsplit(',') {
            let Some(address) = parse(entry.trim()) else {
                return nearest;
            };
            nearest = address;
            if !is_trusted(address) {
                return address;
            }
        }
    }
    nearest
}

fn parse(text: &str) -> Option<IpAddr> {
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

/// Whether a proxy stands in front, to judge by the headers it leaves.
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name == "forwarded" || name.as_str().starts_with("x-forwarded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_its_own_address() {
        let trusted: Vec<AddressRange> = vec!["10.0.0.0/8".parse().unwrap()];
        let check = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(
            check("192.0.2.1", &["203.0.113.9"]),
            "192.0.2.1",
            "not a proxy of ours"
        );
        assert_eq!(check("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            check("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(check("10.0.0.1", &["1.1.1.1", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(check("10.0.0.1", &["junk, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(check("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(check("::ffff:10.0.0.1", &["203.0.113.9:4711"]), "203.0.113.9");
    }
}
