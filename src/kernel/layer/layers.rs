// SPDX-License-Identifier: MIT OR Apache-2.0
//! The layers of this process, and which of their places are taken.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::object::{Layer, NoSeat, Number};
use crate::kernel::host::Host;
use crate::spec::CallEnd;

/// Places of a layer that are taken. It is kept by those who sit there.
struct Known {
    layer: Weak<Layer>,
    taken: BTreeSet<Number>,
}

static LAYERS: Mutex<Vec<Known>> = Mutex::new(Vec::new());

/// Takes each of these numbers in the first layer in which it is free. Makes layers where there is no room, if somebody who knows the
/// machine asks.
pub(super) fn take(
    end: CallEnd,
    numbers: impl Iterator<Item = Number>,
    host: &Host,
) -> Result<Vec<(Number, Arc<Layer>)>, NoSeat> {
    let mut layers = LAYERS.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that nobody sits in any more have been detached.
    layers.retain(|known| known.layer.strong_count() > 0);
    let mut live: Vec<(Arc<Layer>, &mut BTreeSet<Number>)> = layers
        .iter_mut()
        .filter_map(|known| Some((known.layer.upgrade()?, &mut known.taken)))
        .filter(|(layer, _)| layer.end == end)
        .collect();
    let mut made: Vec<(Arc<Layer>, BTreeSet<Number>)> = Vec::new();
    let mut found: Vec<(Number, Arc<Layer>)> = Vec::new();
    for number in numbers {
        let old = live.iter_mut().map(|(layer, taken)| (&*layer, &mut **taken));
        let all = old.chain(made.iter_mut().map(|(layer, taken)| (&*layer, taken)));
        let free = all.into_iter().find_map(|(layer, taken)| taken.insert(number).then(|| Arc::clone(layer)));
        let layer = match free {
            Some(layer) => layer,
            None => match Layer::attach(end, host) {
                Ok(layer) => {
                    let layer = Arc::new(layer);
                    made.push((Arc::clone(&layer), BTreeSet::from([number])));
                    layer
                }
                Err(error) => {
                    drop(live);
                    free_all(&mut layers, &found);
                    return Err(error);
                }
            },
        };
        found.push((number, layer));
    }
    drop(live);
    layers.extend(made.into_iter().map(|(layer, taken)| Known { layer: Arc::downgrade(&layer), taken }));
    Ok(found)
}

/// Others may take these.
pub(super) fn give_back(seats: &[(Number, Arc<Layer>)]) {
    free_all(&mut LAYERS.lock().unwrap_or_else(PoisonError::into_inner), seats);
}

fn free_all(layers: &mut [Known], seats: &[(Number, Arc<Layer>)]) {
    for (number, layer) in seats {
        if let Some(known) = layers.iter_mut().find(|known| known.layer.as_ptr() == Arc::as_ptr(layer)) {
            known.taken.remove(number);
        }
    }
}
