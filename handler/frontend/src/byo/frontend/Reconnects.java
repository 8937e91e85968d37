package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.RunnableScheduledFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Has the frontend connect again at once where a worker's connection has ended.
 *
 * <p>By itself it waits for a second, and then for ever longer (1, 2, 3, 5, 8 ... s) where that was in
 * vain. But a model's socket outlives its processes, so a connection waits there for whoever comes
 * next. The frontend puts each attempt into a scheduler that it lets everybody have; here what waits
 * there is taken out and run, by one or the other, never by both.
 */
final class Reconnects {

    /** Set where the sockets do outlive the processes. */
    private static final String PROPERTY = "byo.reconnects";

    private static final long LOOK_MILLISECONDS = 25;

    /** The pause of the first two attempts; who has to wait for longer has failed before. */
    private static final long FIRST_NANOSECONDS = TimeUnit.SECONDS.toNanos(1);

    /** How long who has failed before waits at most. */
    private static final long LONGEST_NANOSECONDS = TimeUnit.SECONDS.toNanos(1);

    private Map<Runnable, Long> seenAt = new IdentityHashMap<>();

    private Reconnects() {}

    /** Begin, if it is wanted. */
    static void begin() {
        if (Boolean.getBoolean(PROPERTY)) {
            Looks.begin(
                    "reconnects",
                    LOOK_MILLISECONDS,
                    new Reconnects()::look,
                    "connections that end are opened again after a second, or longer");
        }
    }

    private void look() {
        ModelManager models = ModelManager.getInstance();
        if (models != null) { // it is there once the frontend has begun
            look(models.getScheduler());
        }
    }

    private void look(ScheduledExecutorService found) {
        if (!(found instanceof ScheduledThreadPoolExecutor)) {
            return;
        }
        ScheduledThreadPoolExecutor scheduler = (ScheduledThreadPoolExecutor) found;
        Map<Runnable, Long> seenBefore = seenAt;
        seenAt = new IdentityHashMap<>();
        long now = System.nanoTime();
        for (Runnable one : scheduler.getQueue().toArray(new Runnable[0])) {
            Long seen = seenBefore.get(one);
            seenAt.put(one, seen == null ? now : seen);
            // Not before it has been seen twice, so that what made it has ended.
            if (seen != null && isDue(one, now - seen) && scheduler.remove(one)) {
                one.run();
            }
        }
    }

    private static boolean isDue(Runnable one, long waited) {
        if (!(one instanceof RunnableScheduledFuture)) {
            return false;
        }
        RunnableScheduledFuture<?> attempt = (RunnableScheduledFuture<?>) one;
        if (attempt.isPeriodic()) {
            return false; // what the frontend measures by and by
        }
        long pause = attempt.getDelay(TimeUnit.NANOSECONDS) + waited;
        return pause <= FIRST_NANOSECONDS || waited >= LONGEST_NANOSECONDS;
    }
}
