//! Which component answers a path.
//!
//! Spin's precedence: segment by segment from the left, a literal beats a `:name`, which beats the
//! trailing wildcard `/...`. Slashes at the ends do not count, and `/a/...` also matches `/a`.

use anyhow::{Result, bail, ensure};

/// The routes of an application, most specific first, each leading to a `T`.
#[derive(Debug)]
pub(crate) struct Routes<T>(Vec<Route<T>>);

#[derive(Debug)]
struct Route<T> {
    segments: Vec<Segment>,
    target: T,
}

/// The order of the variants is the order of precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    /// Any one segment. Components read the path themselves, so the name is not kept.
    Any,
    /// All that is left, also nothing. Only the last segment.
    Rest,
}

impl<T> Routes<T> {
    /// Sorts the routes, given as pattern and target.
    ///
    /// # Errors
    ///
    /// Occurs when a pattern is malformed or two patterns match the same paths.
    pub(crate) fn new(patterns: impl IntoIterator<Item = (String, T)>) -> Result<Self> {
        let mut routes = Vec::new();
        for (pattern, target) in patterns {
            let segments = parse(&pattern)?;
            let twin = routes.iter().any(|route: &Route<T>| route.segments == segments);
            ensure!(!twin, "route {pattern:?} matches the same paths as another");
            routes.push(Route { segments, target });
        }
        routes.sort_by(|left, right| left.segments.cmp(&right.segments));
        Ok(Self(routes))
    }

    /// The target of the most specific route that matches `path`.
    pub(crate) fn find(&self, path: &str) -> Option<&T> {
        self.0.iter().find(|route| route.matches(path)).map(|route| &route.target)
    }
}

impl<T> Route<T> {
    fn matches(&self, path: &str) -> bool {
        let mut rest = split(path);
        for segment in &self.segments {
            let matched = match (segment, rest.next()) {
                (Segment::Rest, _) => return true,
                (Segment::Literal(literal), Some(found)) => literal == found,
                (Segment::Any, Some(_)) => true,
                (_, None) => false,
            };
            if !matched {
                return false;
            }
        }
        rest.next().is_none()
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    // The root has no segments, whereas splitting "" gives an empty one.
    trimmed.split('/').filter(move |_| !trimmed.is_empty())
}

fn parse(pattern: &str) -> Result<Vec<Segment>> {
    ensure!(pattern.starts_with('/'), "route {pattern:?} must start with /");
    let mut segments = Vec::new();
    for text in split(pattern) {
        ensure!(segments.last() != Some(&Segment::Rest), "route {pattern:?}: ... must be the last segment");
        segments.push(match text {
            "..." => Segment::Rest,
            ":" => bail!("route {pattern:?} has a parameter without a name"),
            _ if text.starts_with(':') => Segment::Any,
            _ if text.contains('*') => bail!("route {pattern:?}: * is not supported, write /..."),
            _ => Segment::Literal(text.to_owned()),
        });
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[&str] = &[
        "/",
        "/v1/packets/...",
        "/v1/packets/:id",
        "/v1/packets/:id/grab",
        "/v1/packets/mine",
        "/v1/:kind/:id/grab",
        "/v1/me/...",
    ];

    /// Path, and the pattern that must win.
    const CASES: &[(&str, Option<&str>)] = &[
        ("/", Some("/")),
        ("", Some("/")),
        ("/v1", None),
        ("/v1/packets", Some("/v1/packets/...")),
        ("/v1/packets/", Some("/v1/packets/...")),
        ("/v1/packets/7", Some("/v1/packets/:id")),
        ("/v1/packets/7/", Some("/v1/packets/:id")),
        ("/v1/packets/mine", Some("/v1/packets/mine")),
        ("/v1/packets/7/grab", Some("/v1/packets/:id/grab")),
        ("/v1/packets/7/open", Some("/v1/packets/...")),
        ("/v1/packets/7/grab/again", Some("/v1/packets/...")),
        ("/v1/rains/7/grab", Some("/v1/:kind/:id/grab")),
        ("/v1/me", Some("/v1/me/...")),
        ("/v1/me/packets/sent", Some("/v1/me/...")),
        ("/v2/me", None),
    ];

    #[test]
    fn the_most_specific_route_wins_whatever_the_order() {
        for reversed in [false, true] {
            let mut patterns: Vec<_> = ROUTES.iter().map(|route| ((*route).to_owned(), *route)).collect();
            if reversed {
                patterns.reverse();
            }
            let routes = Routes::new(patterns).expect("valid routes");
            for &(path, expected) in CASES {
                assert_eq!(routes.find(path).copied(), expected, "{path}");
            }
        }
    }

    #[test]
    fn a_wildcard_at_the_root_takes_what_is_left() {
        let routes = Routes::new([("/...".to_owned(), 1), ("/a".to_owned(), 2)]).expect("valid");
        assert_eq!((routes.find("/"), routes.find("/a"), routes.find("/b/c")), (Some(&1), Some(&2), Some(&1)));
    }

    #[test]
    fn bad_patterns_are_refused() {
        for (patterns, reason) in [
            (&["a"][..], "start with /"),
            (&["/.../a"], "last segment"),
            (&["/:"], "without a name"),
            (&["/a/*"], "not supported"),
            (&["/a/:x", "/a/:y"], "same paths"),
            (&["/a", "/a/"], "same paths"),
        ] {
            let error = Routes::new(patterns.iter().map(|pattern| ((*pattern).to_owned(), ()))).expect_err(reason);
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
