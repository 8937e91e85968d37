package byo.frontend;

import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers invocations whose model has gone: the frontend has them in its queue, and forgets it.
 *
 * <p>So it is with those that wait for a LOAD which fails, and where the watchdog has a model
 * unregistered that nobody serves. What is seen twice is answered with 503; until then the frontend
 * may answer by itself.
 */
final class LostInvocations {

    private static final Logger LOG = LoggerFactory.getLogger(LostInvocations.class);

    private static final long LOOK_MILLISECONDS = 500;

    private Set<Invocation> lost = new HashSet<>();

    private LostInvocations() {}

    /** Begin to look. */
    static void begin() {
        Looks.begin(
                "lost-invocations",
                LOOK_MILLISECONDS,
                new LostInvocations()::look,
                "invocations of a model whose LOAD fails may stay without an answer");
    }

    private void look() {
        Set<Invocation> before = lost;
        lost = new HashSet<>();
        for (String model : ModelTraffic.models()) {
            for (Invocation one : ModelTraffic.invocationsOf(model)) {
                if (!one.isLost()) {
                    continue;
                }
                lost.add(one);
                if (before.contains(one)) {
                    LOG.warn("an invocation of model {} is answered with 503: the model has gone", model);
                    one.giveUp("the model was unloaded, or could not be loaded, before it had answered");
                }
            }
        }
    }
}
