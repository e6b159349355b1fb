/* Daemons that die, stop and start; machines that lose power. Part of lease.pml. */

/* ---- faults --------------------------------------------------------------------------------- */
inline forget(i) {             /* what a daemon forgets when it dies */
  n[i].grant = 0; n[i].restart_wait = 0;
  n[i].state = IDLE; n[i].own = 0; n[i].peer = 0; n[i].disk = 0;
  n[i].silent = 0; n[i].drop = 0; n[i].h = 0; n[i].seen = 0; n[i].clock = 0;
  n[i].known = 0; end_io(i); wipe(image[i]); shed_messages(i)
}
#if RESTARTS || REBOOTS || STOPS
proctype Fault(byte i) {
  do
#if RESTARTS
  :: d_step { /* the daemon is killed; the consumers act on until their deadline */
       n[i].power == UP && restarts < RESTARTS ->
       restarts++; forget(i); n[i].power = DOWN;
       printf("node %d: DAEMON KILLED\n", i)
     }
#endif
#if STOPS
  :: d_step { /* R2: record a clean stop only if no restart wait runs and no grant is live */
       n[i].power == UP && stops < STOPS && MAY_RECORD(i) ->
       stops++; forget(i); n[i].clean = 1; n[i].power = DOWN;
#ifdef REACH_CLEAN
       after_clean[i] = (n[i].granted > 0);
#endif
       printf("node %d: DAEMON STOPPED CLEANLY\n", i)
     }
#endif
#if REBOOTS
  :: d_step { /* the machine loses power: consumers gone, a new boot identity next time */
       n[i].power != OFF && reboots < REBOOTS ->
       reboots++; forget(i); n[i].power = OFF; n[i].acting = 0; n[i].boot++;
       printf("node %d: POWER OFF\n", i)
     }
#endif
  :: d_step { /* start: R2 for the voter, R6 for the candidate */
       n[i].power != UP ->
#ifndef BREAK_R2_NO_RESTART_WAIT
       n[i].restart_wait = (n[i].clean -> 0 : WAIT(i));
#endif
#ifdef REACH_RESTART
       after_wait[i] = (n[i].granted > 0 && !n[i].clean);
#endif
       if
       :: n[i].power == DOWN ->
#ifdef BREAK_R6_RESTART_IS_DEATH
          n[i].boot++                        /* the identity is that of the daemon, not the boot */
#endif
#ifndef BREAK_R6_PUBLISH_AT_ONCE
#ifndef BREAK_R6_RESTART_IS_DEATH
          n[i].silent = 1; n[i].drop = LEASE(i)
#endif
#else
          skip
#endif
       :: else
       fi;
       n[i].power = UP;
       printf("node %d: DAEMON STARTS\n", i)
     }
  od
}
#endif
