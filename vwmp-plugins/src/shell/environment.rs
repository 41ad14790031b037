//! The environment of a program, in the form in which the system takes it.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, NulError, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::script::VALUE_PREFIX;
use crate::inherited::inherited;

/// The variables of a program: those that all programs of a run get, and its own.
pub(super) struct Environment {
    inherited: Arc<[Variable]>,
    own: Vec<Variable>,
}

/// One variable, as `NAME=value`.
pub(super) struct Variable {
    text: CString,
    name: usize,
}

/// The variables of a run.
type Given = BTreeMap<String, String>;

/// What was made of them, for as long as the same are given.
type Prepared = (Weak<Given>, Arc<[Variable]>);

impl Environment {
    /// What all programs of a run get.
    ///
    /// # Errors
    /// When a variable contains a NUL byte.
    pub(super) fn of(given: &Arc<Given>) -> Result<Self, NulError> {
        Ok(Self { inherited: prepared(given)?, own: Vec::with_capacity(8) })
    }

    /// Adds a variable, or replaces it.
    ///
    /// # Errors
    /// When it contains a NUL byte.
    pub(super) fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> Result<(), NulError> {
        self.own.push(Variable::new(name, value.as_ref())?);
        Ok(())
    }

    /// All variables, sorted by name.
    pub(super) fn variables(&self) -> Vec<&Variable> {
        let mut variables = Vec::with_capacity(self.inherited.len() + self.own.len());
        variables.extend(&*self.inherited);
        for own in &self.own {
            match variables.binary_search_by(|other| other.name().cmp(own.name())) {
                Ok(place) => variables[place] = own,
                Err(place) => variables.insert(place, own),
            }
        }
        variables
    }
}

impl Variable {
    fn new(name: &str, value: &OsStr) -> Result<Self, NulError> {
        let mut text = Vec::with_capacity(name.len() + value.len() + 2);
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value.as_bytes());
        Ok(Self { text: CString::new(text)?, name: name.len() })
    }

    pub(super) fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.text.as_bytes()[..self.name])
    }

    pub(super) fn value(&self) -> &OsStr {
        OsStr::from_bytes(&self.text.as_bytes()[self.name + 1..])
    }
}

impl AsRef<CStr> for Variable {
    fn as_ref(&self) -> &CStr {
        &self.text
    }
}

/// The variables of a run, made ready once and not for each of its programs.
fn prepared(given: &Arc<Given>) -> Result<Arc<[Variable]>, NulError> {
    // As long as the weak reference is here, no other map can have the same address, nor can this
    // one be changed.
    static LAST: Mutex<Option<Prepared>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, variables)) = &*last
        && std::ptr::eq(of.as_ptr(), Arc::as_ptr(given))
    {
        return Ok(Arc::clone(variables));
    }
    let given_on = inherited(given).filter(|(name, _)| !name.starts_with(VALUE_PREFIX));
    let variables = given_on.map(|(name, value)| Variable::new(name, &value));
    let variables: Arc<[Variable]> = variables.collect::<Result<_, _>>()?;
    *last = Some((Arc::downgrade(given), Arc::clone(&variables)));
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_variables_replace_what_is_inherited_and_earlier_ones() {
        let mut environment = Environment::of(&given(&[("B", "1"), ("D", "2"), ("DE", "3")])).unwrap();
        for (name, value) in [("D", "own"), ("A", ""), ("C", "first"), ("C", "a=b")] {
            environment.set(name, value).unwrap();
        }
        assert_eq!(texts(&environment), ["A=", "B=1", "C=a=b", "D=own", "DE=3"]);
    }

    #[test]
    fn no_run_gets_the_environment_of_another() {
        for round in 0..100 {
            // Likely to lie where the one before lay.
            let mut given = given(&[("ROUND", &round.to_string())]);
            assert_eq!(texts(&Environment::of(&given).unwrap()), [format!("ROUND={round}")]);
            Arc::make_mut(&mut given).insert("ROUND".into(), "changed".into());
            assert_eq!(texts(&Environment::of(&given).unwrap()), ["ROUND=changed"]);
        }
    }

    #[test]
    fn a_nul_byte_is_refused() {
        assert!(Environment::of(&given(&[("A", "\0")])).is_err());
        assert!(Environment::of(&given(&[])).unwrap().set("A\0", "").is_err());
    }

    fn given(variables: &[(&str, &str)]) -> Arc<Given> {
        Arc::new(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn texts(environment: &Environment) -> Vec<String> {
        environment.variables().iter().map(|one| one.text.to_str().unwrap().to_owned()).collect()
    }
}
