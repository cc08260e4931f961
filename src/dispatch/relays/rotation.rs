//! Whose turn it is: smooth weighted round robin. Each relay that may have its turn gains its weight; the one with the most
//! has it, and pays for all. Over time each gets its share, and never a long run of turns. Who may not have its turn gains
//! nothing, so after an outage nobody is flooded with what it missed.

pub(super) struct Rotation(Vec<Place>);

struct Place {
    weight: i64,
    credit: i64,
}

impl Rotation {
    pub(super) fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        Self(weights.into_iter().map(|weight| Place { weight: weight.max(1).into(), credit: 0 }).collect())
    }

    /// Whose turn it is among those that may have it.
    pub(super) fn next(&self, may: &[bool]) -> Option<usize> {
        let able = self.0.iter().enumerate().filter(|(at, _)| may[*at]);
        // The first of equals.
        able.rev().max_by_key(|(_, place)| place.credit + place.weight).map(|(at, _)| at)
    }

    /// The turn was taken, for so many mails.
    pub(super) fn took(&mut self, whose: usize, mails: usize, may: &[bool]) {
        let mails = i64::try_from(mails).unwrap_or(i64::MAX >> 32);
        let mut sum = 0;
        for (place, _) in self.0.iter_mut().zip(may).filter(|(_, may)| **may) {
            place.credit += place.weight * mails;
            sum += place.weight * mails;
        }
        self.0[whose].credit -= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rotation: &mut Rotation, may: &[bool], count: usize) -> Vec<usize> {
        let one = |_| {
            let next = rotation.next(may).unwrap();
            rotation.took(next, 1, may);
            next
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn each_gets_its_share_without_long_runs() {
        let mut rotation = Rotation::new([3, 1]);
        assert_eq!(turns(&mut rotation, &[true, true], 8), [0, 0, 1, 0, 0, 0, 1, 0]);
        let mut rotation = Rotation::new([5, 1, 1]);
        let seven = turns(&mut rotation, &[true; 3], 7);
        assert_eq!((seven.iter().filter(|one| **one == 0).count(), seven.len()), (5, 7), "{seven:?}");
        assert!(seven.windows(4).all(|four| four.contains(&1) || four.contains(&2)), "{seven:?}");
        assert_eq!(turns(&mut Rotation::new([0]), &[true], 2), [0, 0]);
    }

    #[test]
    fn micro_batches_count_by_their_mails() {
        let mut rotation = Rotation::new([1, 1]);
        let mut mails = [0, 0];
        for size in [20, 1, 1, 1, 17, 3, 20, 20, 5, 8].repeat(10) {
            let next = rotation.next(&[true, true]).unwrap();
            rotation.took(next, size, &[true, true]);
            mails[next] += size;
        }
        assert!(mails[0].abs_diff(mails[1]) <= 20, "{mails:?}");
    }

    #[test]
    fn who_was_away_is_not_flooded_afterwards() {
        let mut rotation = Rotation::new([1, 1]);
        assert_eq!(turns(&mut rotation, &[true, false], 100), vec![0; 100]);
        let back = turns(&mut rotation, &[true, true], 10);
        assert_eq!(back.iter().filter(|one| **one == 1).count(), 5, "{back:?}");
        assert_eq!(rotation.next(&[false, false]), None);
    }
}
