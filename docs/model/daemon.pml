/* What a daemon decides: candidate, holder, writer of its slot. Part of lease.pml. */

/* ---- the daemon ----------------------------------------------------------------------------- */
/* May a cycle begin? R5a: the own slot is known, and no older write is unresolved. */
#ifdef BREAK_IO_TWO_WRITES
#define MAY_WRITE(i) (n[i].power == UP && n[i].io == NO_IO && n[i].known && \
                      !(inflight[i] && undead[i]))
#else
#define MAY_WRITE(i) (n[i].power == UP && n[i].io == NO_IO && n[i].known && !inflight[i])
#endif

/* R5a: can older writes land no more? */
#ifdef BREAK_R5A_BARRIER
#define BARRIER(i) true
#else
#define BARRIER(i) (!inflight[i])
#endif

/* a clock that no term of this candidate can use any more */
inline forget_clock(i) {
  if
  :: !MORE(i) -> n[i].seen = 0; n[i].clock = 0
  :: else
  fi
}

inline issue(i, what) {
#ifdef BREAK_IO_TWO_WRITES
  if
  :: inflight[i] -> copy(zombie[i], flying[i]); undead[i] = 1
  :: else
  fi;
#endif
  copy(flying[i], image[i]); inflight[i] = 1;
  n[i].io = what; n[i].phase = WRITING;
  printf("node %d: issues a write: promise %d held %d conceded %d boot %d\n", i, image[i].promise,
         image[i].held, image[i].conceded, image[i].boot)
}

#ifdef BREAK_R5_OLD_CONCESSION /* a concession of any term, not of h */
#define CONCEDED(p, to_h) (slot[p].conceded > 0)
#else
#define CONCEDED(p, to_h) (slot[p].conceded >= (to_h))
#endif
/* R5: what shortens the wait against h, as far as a read can tell */
inline shorten(i, p) {
  if
  :: n[i].h > 0 && CONCEDED(p, n[i].h) ->
     n[i].h = 0; ENDED_BY(i, BY_CONCESSION);
     printf("node %d: sees that node %d conceded\n", i, p)
  :: n[i].h > 0 && slot[p].held == n[i].h && slot[p].boot != slot[p].held_boot ->
     n[i].h = 0; ENDED_BY(i, BY_BOOT);
     printf("node %d: sees a new boot identity of node %d\n", i, p)
  :: else
  fi
}

/* What a read of the peer's slot says about h, the highest term held. h is 0 where there is nobody
 * to wait for: nobody held, the own node held last (its consumers are its own affair, R6), or the
 * holder conceded or has a new boot identity. */
inline look_at_held(i, p) {
#ifdef BREAK_R5_HELD_EARLY    /* not even hiding behind the early claim to this very term */
  n[i].h = (slot[p].held > held_before[i] -> slot[p].held : 0);
#else
  n[i].h = (slot[p].held > image[i].held -> slot[p].held : 0);
#endif
  ENDED_BY(i, BY_NOTHING);
  shorten(i, p)
}
#if SLOW_READS
#define READ_ENDS(what) n[i].phase = READ } \
  :: d_step { n[i].power == UP && n[i].io == what && n[i].phase == READ ->
#else
#define READ_ENDS(what)
#endif

proctype Node(byte i) {
  do
  /* --- term and own vote --------------------------------------------------------------------- */
  :: d_step { /* a new term, above any used before; leases of the old one no longer count */
       n[i].power == UP && !n[i].silent && n[i].state != CONCEDING && n[i].io == NO_IO &&
       NEXT(i) <= MAXTERM ->
       n[i].term = NEXT(i); n[i].state = CANDIDATE;
       n[i].own = 0; n[i].peer = 0; n[i].disk = 0; n[i].h = 0; shed_messages(i);
       printf("node %d: is a candidate in term %d\n", i, n[i].term)
     }
  :: d_step { /* R1 for the own vote: the voter is in the same daemon, the ask takes no time */
       n[i].power == UP && ACTIVE(i) && MAY_GRANT(i, n[i].term) ->
       lend(i, n[i].term); n[i].own = LEASE(i);
       printf("node %d: holds its own vote in term %d\n", i, n[i].term);
       publish(i); shed_messages(i)
     }

  /* --- the promise --------------------------------------------------------------------------- */
  :: d_step { /* R5: first the own promise, */
       MAY_WRITE(i) && n[i].state == CANDIDATE ->
       image[i].promise = MAX(image[i].promise, n[i].term);
#ifdef BREAK_R5_HELD_EARLY
       held_before[i] = (image[i].held < n[i].term -> image[i].held : held_before[i]);
       image[i].held = n[i].term; image[i].held_boot = n[i].boot;
#endif
#ifdef BREAK_R5_H_BEFORE_PROMISE
       look_at_held(i, PEER(i));
#endif
#ifdef BREAK_R5_CLOCK_AT_ISSUE
       n[i].seen = n[i].term; n[i].clock = ACTIVATION(i);
#endif
       issue(i, PROMISE)
     }
  :: d_step { /* then, after the write completed, the read of `held` and of other promises; */
       n[i].power == UP && n[i].io == PROMISE && n[i].phase == LANDED ->
       n[i].higher = (slot[PEER(i)].promise > n[i].term);
#ifndef BREAK_R5_H_BEFORE_PROMISE
       look_at_held(i, PEER(i));
#endif
       printf("node %d: has promised %d and read node %d's slot: wait against held %d\n", i,
              n[i].term, PEER(i), n[i].h);
       /* the clock starts when the read ended, unless an earlier read started one above h */
       READ_ENDS(PROMISE)
       if
       :: n[i].higher -> n[i].state = BEATEN; n[i].h = 0; forget_clock(i)
       :: else ->
          n[i].state = PROMISED;
#ifdef BREAK_R5_NO_WAIT
          n[i].h = 0;
#endif
          if
          :: n[i].h > 0 && n[i].seen <= n[i].h ->
             n[i].seen = image[i].promise; n[i].clock = ACTIVATION(i)
          :: n[i].h == 0 -> n[i].seen = 0; n[i].clock = 0
          :: else
          fi
       fi;
       end_io(i)
     }
#if EARLY_CLOCK
  :: d_step { /* any other read of the disk may start the clock: a promise that was not seen before */
       n[i].power == UP && n[i].io == NO_IO &&
       (n[i].state == CANDIDATE || ((n[i].state == IDLE || n[i].state == BEATEN) && MORE(i))) &&
       n[i].seen < MAX(slot[i].promise, slot[PEER(i)].promise) ->
       n[i].seen = MAX(slot[i].promise, slot[PEER(i)].promise); n[i].clock = ACTIVATION(i);
       printf("node %d: reads a promise of %d\n", i, n[i].seen)
     }
#endif

  /* --- the activation wait, and what shortens it --------------------------------------------- */
  :: d_step { /* a later read shows a concession or a new boot identity */
       n[i].power == UP && n[i].state == PROMISED && n[i].h > 0 &&
       (CONCEDED(PEER(i), n[i].h) ||
        (slot[PEER(i)].held == n[i].h && slot[PEER(i)].boot != slot[PEER(i)].held_boot)) ->
       shorten(i, PEER(i)); n[i].seen = 0; n[i].clock = 0
     }
#ifdef BREAK_R5_POWER_BEFORE_H
  :: d_step { n[PEER(i)].power == OFF && n[i].power == UP && !saw_off[i] -> saw_off[i] = 1;
              printf("node %d: the power device says that node %d is off\n", i, PEER(i)) }
  :: d_step { n[i].power == UP && n[i].state == PROMISED && n[i].h > 0 && saw_off[i] ->
              n[i].h = 0; n[i].seen = 0; n[i].clock = 0;
              printf("node %d: believes the old answer\n", i) }
#endif
  :: d_step { /* the power device answers "off" to a query begun after h was read */
       n[i].power == UP && n[i].state == PROMISED && n[i].h > 0 && n[PEER(i)].power == OFF ->
       n[i].h = 0; n[i].seen = 0; n[i].clock = 0; ENDED_BY(i, BY_POWER);
       printf("node %d: the power device says that node %d is off\n", i, PEER(i))
     }
  :: d_step {
       n[i].power == UP && n[i].state == PROMISED && n[i].h > 0 && n[i].clock == 0 ->
       n[i].h = 0; n[i].seen = 0; ENDED_BY(i, BY_EXPIRY);
       printf("node %d: the activation wait is over\n", i)
     }

  /* --- the lease ----------------------------------------------------------------------------- */
  :: d_step { /* R5: `held = t` is written by the first renewal, not earlier; R3: count from here */
       MAY_WRITE(i) && ((n[i].state == PROMISED && n[i].h == 0) || n[i].state == HOLDER) ->
       image[i].promise = MAX(image[i].promise, n[i].term);
       image[i].held = n[i].term; image[i].held_boot = n[i].boot;
       n[i].from = LEASE(i); SHED(n[i].from, i);
#ifdef BREAK_R3_READ_BEFORE_WRITE
       n[i].higher = (slot[PEER(i)].promise > n[i].term);
#endif
       issue(i, RENEW)
     }
  :: d_step { /* R3: the write completed, *then* the read begins */
       n[i].power == UP && n[i].io == RENEW && n[i].phase == LANDED ->
#ifndef BREAK_R3_READ_BEFORE_WRITE
       n[i].higher = (slot[PEER(i)].promise > n[i].term);
#endif
#ifdef BREAK_R3_PROMISE_IGNORED
       n[i].higher = 0;
#endif
       READ_ENDS(RENEW)
       if
       :: n[i].higher ->
          n[i].state = BEATEN;
          printf("node %d: saw a promise above %d, no renewal\n", i, n[i].term)
       :: else ->
          n[i].state = HOLDER;
#ifdef BREAK_R3_DISK_AFTER
          n[i].disk = LEASE(i);
#else
          n[i].disk = MAX(n[i].disk, n[i].from);
#endif
          printf("node %d: holds the disk's vote in term %d for %d ticks\n", i, n[i].term,
                 n[i].disk);
          publish(i); shed_messages(i)
       fi;
       end_io(i)
     }
  :: d_step { /* the cycle misses its deadline or its read fails; its write may still land */
       n[i].power == UP && n[i].io != NO_IO -> end_io(i)
     }

  /* --- concession ---------------------------------------------------------------------------- */
#if CONCEDES
  :: d_step { /* drop the leases first: later answers for this term are ignored */
       n[i].power == UP && ACTIVE(i) && n[i].known && n[i].io == NO_IO ->
       n[i].state = CONCEDING; n[i].own = 0; n[i].peer = 0; n[i].disk = 0; n[i].h = 0;
       forget_clock(i); shed_messages(i);
       printf("node %d: concedes term %d\n", i, n[i].term);
#ifdef BREAK_R6_CONCEDE_BEFORE_ACK
       image[i].conceded = n[i].term
#endif
     }
  :: d_step { /* R6: `conceded` only after the consumers acknowledged */
       n[i].power == UP && n[i].state == CONCEDING ->
       n[i].acting = 0; image[i].conceded = n[i].term; n[i].state = IDLE;
       printf("node %d: its consumers dropped the lease\n", i)
     }
#endif
  :: d_step { /* R1: a grant ends early when its holder is known to have released the term, from a
                 message (the image) or from the disk */
       n[i].power == UP && n[i].grant > 0 &&
       (image[OWNER(n[i].granted)].conceded >= n[i].granted ||
        slot[OWNER(n[i].granted)].conceded >= n[i].granted) ->
       n[i].grant = 0;
       printf("node %d: its vote for term %d was released\n", i, n[i].granted)
     }
  :: d_step { /* write what the slot does not yet say */
       MAY_WRITE(i) && !n[i].silent &&
       (image[i].conceded != slot[i].conceded || image[i].boot != slot[i].boot) ->
       issue(i, PUBLISH)
     }

  /* --- after a start ------------------------------------------------------------------------- */
#if RESTARTS || STOPS
  :: d_step { /* R6: the consumers of the old incarnation dropped the lease, or L has passed */
       n[i].power == UP && n[i].silent ->
       if
       :: n[i].drop == 0 -> assert(n[i].acting == 0)
       :: else -> n[i].acting = 0
       fi;
       n[i].silent = 0; n[i].drop = 0;
       printf("node %d: may publish its new incarnation\n", i)
     }
#endif
  :: d_step { /* R5a: older writes can land no more; read the own slot, keep what it promises */
       n[i].power == UP && !n[i].known && !n[i].silent && BARRIER(i) ->
#ifdef BREAK_R5A_BARRIER
       if
       :: inflight[i] -> copy(zombie[i], flying[i]); undead[i] = 1; wipe(flying[i]); inflight[i] = 0
       :: else
       fi;
#endif
#ifdef BREAK_R5A_PROMISE_LOWERED
       wipe(image[i]);
#else
       copy(image[i], slot[i]);
#endif
       if /* same boot, and the consumers dropped what an older incarnation held: that is conceded.
             (`held`, not the counter: this incarnation may be a candidate already.) */
       :: image[i].boot == n[i].boot -> image[i].conceded = MAX(image[i].conceded, image[i].held)
       :: else -> image[i].boot = n[i].boot
       fi;
       n[i].known = 1
     }
  od
}
