package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import com.google.gson.JsonObject;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** How many invocations of one model were answered with each status, and how many are under way. */
final class InvocationCounts {

    /** Whether anything is counted, as `serve` says. */
    static final boolean ARE_WANTED = Boolean.getBoolean("byo.metrics");

    /** Beyond so many models, those that come are counted together. */
    private static final int MOST_MODELS = 10000;

    private static final String OTHER = "other";

    /** What names no model that is loaded. */
    private static final String NONE = "";

    private static final Map<String, InvocationCounts> OF_MODELS = new ConcurrentHashMap<>();

    private final Map<Integer, LongAdder> answers = new ConcurrentHashMap<>();
    private final AtomicInteger underWay = new AtomicInteger();

    private InvocationCounts() {}

    /** Those of the model that a request invokes. */
    static InvocationCounts of(Target target) {
        String model = modelOf(target);
        InvocationCounts known = OF_MODELS.get(model);
        if (known != null) {
            return known;
        }
        String name = OF_MODELS.size() < MOST_MODELS ? model : OTHER;
        return OF_MODELS.computeIfAbsent(name, unknown -> new InvocationCounts());
    }

    private static String modelOf(Target target) {
        Set<String> loaded = ModelManager.getInstance().getModels().keySet();
        String name = target.invokedModel();
        if (name == null) {
            return loaded.size() == 1 ? loaded.iterator().next() : NONE;
        }
        // What a caller makes up is not to become a name that is told for ever.
        return loaded.contains(name) || OF_MODELS.containsKey(name) ? name : NONE;
    }

    /** A request was answered before the frontend got to see it. */
    static void refused(Target target, Answer answer) {
        if (ARE_WANTED && target.isInvocation()) {
            InvocationCounts counts = of(target);
            counts.begun();
            counts.answered(answer.code());
        }
    }

    void begun() {
        underWay.incrementAndGet();
    }

    void answered(int status) {
        underWay.decrementAndGet();
        LongAdder known = answers.get(status);
        if (known == null) {
            known = answers.computeIfAbsent(status, unknown -> new LongAdder());
        }
        known.increment();
    }

    /** The answers of each model by status. */
    static JsonObject allAnswers() {
        JsonObject models = new JsonObject();
        OF_MODELS.forEach((model, counts) -> {
            JsonObject statuses = new JsonObject();
            counts.answers.forEach((status, count) -> statuses.addProperty(status.toString(), count.sum()));
            models.add(model, statuses);
        });
        return models;
    }

    /** How many invocations of each model are under way. */
    static JsonObject allUnderWay() {
        JsonObject models = new JsonObject();
        OF_MODELS.forEach((model, counts) -> models.addProperty(model, counts.underWay.get()));
        return models;
    }
}
