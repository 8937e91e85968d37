package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The invocations of one model that wait or are worked on, and how long a further one would wait.
 *
 * <p>The mean time from one answer to the next, while there is something to do, says how fast all
 * of the model's workers are together; older answers count less and less.
 */
final class Backlog {

    /** How much less an answer counts than the one after it. */
    private static final double FADING = 0.95;

    /** So many answers must be known of a model before anything is refused by them. */
    private static final int LEAST_ANSWERS = 16;

    private static final Map<String, Backlog> OF_MODELS = new ConcurrentHashMap<>();

    /** As long as an invocation may take, it may wait: whoever asks has gone after that. */
    private static final double LONGEST_SECONDS = Long.getLong("byo.timeout", 60);

    private int count;
    private long answers;
    private double fadedAnswers;
    private double fadedSeconds;
    private long lastAt;

    private Backlog() {}

    /** That of the model that a request invokes; null if there is no such model. */
    static Backlog of(Target target) {
        String name = target.invokedModel();
        if (name != null && !ModelManager.getInstance().getModels().containsKey(name)) {
            return null;
        }
        String model = name == null ? "" : name; // the only one there is
        Backlog known = OF_MODELS.get(model);
        return known != null ? known : OF_MODELS.computeIfAbsent(model, unknown -> new Backlog());
    }

    /** A model is about to be unloaded. */
    static void forget(String model) {
        OF_MODELS.remove(model);
    }

    /** The answer to an invocation that would wait too long, or null. */
    static Answer refusal(Target target) {
        Backlog backlog = target.isInvocation() ? of(target) : null;
        return backlog == null ? null : backlog.refusal();
    }

    private synchronized Answer refusal() {
        double seconds = waitSeconds(System.nanoTime());
        if (answers < LEAST_ANSWERS || seconds <= LONGEST_SECONDS) {
            return null;
        }
        return Answer.problem(
                        HttpResponseStatus.SERVICE_UNAVAILABLE,
                        count + " invocations of the model are waiting or under way, and it would "
                                + "take about " + Math.round(seconds) + " s until this one's turn, "
                                + "longer than the " + Math.round(LONGEST_SECONDS)
                                + " s that an invocation may take: try again later")
                .retryAfter(retrySeconds());
    }

    /** When it may be worth it to try again. */
    synchronized long retrySeconds() {
        return Math.max(1, (long) Math.ceil(waitSeconds(System.nanoTime()) / 2));
    }

    synchronized void begun() {
        if (count++ == 0) {
            lastAt = System.nanoTime(); // what comes before is no work
        }
    }

    synchronized void answered() {
        long now = System.nanoTime();
        fadedSeconds = fadedSeconds * FADING + secondsSince(lastAt, now);
        fadedAnswers = fadedAnswers * FADING + 1;
        answers++;
        lastAt = now;
        count--;
    }

    /** Its client has gone, and it was not answered; the frontend has it worked on nevertheless. */
    synchronized void abandoned() {
        count--;
    }

    /** How long those that are there now will take. */
    synchronized long remainingMilliseconds() {
        return TimeUnit.SECONDS.toMillis((long) Math.min(waitSeconds(System.nanoTime()), LONGEST_SECONDS));
    }

    /** What has not come for long counts as if it came now. */
    private double waitSeconds(long now) {
        if (count == 0) {
            return 0;
        }
        double each = (fadedSeconds + secondsSince(lastAt, now)) / (fadedAnswers + 1);
        return count * each;
    }

    private static double secondsSince(long then, long now) {
        return (now - then) / (double) TimeUnit.SECONDS.toNanos(1);
    }
}
