//! `spin:variables@3.0.0`: values fixed when the host starts.

use wasmtime::component::{Accessor, HasSelf};

use super::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use super::component;
use crate::faults::INJECTED;
use crate::guest::Guest;

impl Host for Guest {}

impl<T: Send> HostWithStore<T> for HasSelf<Guest> {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> wasmtime::Result<Result<String, Error>> {
        let component = component(accessor);
        let injected = || Error::Provider(INJECTED.to_owned());
        component.call("variables.get", injected, async { look_up(&component.variables, &name) }).await
    }
}

fn look_up(values: &std::collections::BTreeMap<String, String>, name: &str) -> Result<String, Error> {
    let valid = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_'));
    if !valid {
        return Err(Error::InvalidName(format!("{name:?} is not lower_snake_case")));
    }
    values.get(name).cloned().ok_or_else(|| Error::Undefined(format!("no variable {name:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_undefined_or_invalid() {
        let values = [("key_1".to_owned(), "value".to_owned())].into();
        assert_eq!(look_up(&values, "key_1").expect("found"), "value");
        assert!(matches!(look_up(&values, "other"), Err(Error::Undefined(_))));
        for name in ["", "Key", "key-1", "1key", "_key"] {
            assert!(matches!(look_up(&values, name), Err(Error::InvalidName(_))), "{name}");
        }
    }
}
