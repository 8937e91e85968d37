package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What is under way with one model's name: the invocations that were accepted, and its UNLOAD.
 *
 * <p>The frontend would put what its workers are at back into the queue of a model that it no longer
 * has, and leave it there. So an UNLOAD begins here first: from then on no invocation of the model is
 * accepted, and the frontend gets to see it when those that were have been answered. What else would
 * change the model waits for the UNLOAD's end.
 *
 * <p>Each change is made within ConcurrentHashMap.compute, so one at a time for each name; what has
 * nothing under way is not kept.
 */
final class ModelTraffic {

    private static final Map<String, ModelTraffic> OF_MODELS = new ConcurrentHashMap<>();

    private final Set<Invocation> invocations = new LinkedHashSet<>();
    private final List<Runnable> waiting = new ArrayList<>();
    private Unload unload; // null where there is none

    private ModelTraffic() {}

    /** The model that the frontend will take for an invocation; null if there is none at all. */
    static String invokedBy(Target target) {
        String name = target.invokedModel();
        if (name != null && !name.isEmpty()) {
            return name;
        }
        Collection<String> found = ModelManager.getInstance().getStartupModels();
        if (found.size() != 1) {
            found = ModelManager.getInstance().getModels().keySet();
        }
        Iterator<String> names = found.iterator();
        return names.hasNext() ? names.next() : null;
    }

    /** Accept an invocation, unless its model is being unloaded; whether it is accepted. */
    static boolean accept(Invocation invocation) {
        boolean[] isAccepted = {false};
        OF_MODELS.compute(invocation.model, (name, known) -> {
            ModelTraffic traffic = known == null ? new ModelTraffic() : known;
            isAccepted[0] = traffic.unload == null && traffic.invocations.add(invocation);
            return traffic;
        });
        return isAccepted[0];
    }

    /** An invocation has its answer, or nobody to answer to any more. */
    static void ended(Invocation invocation) {
        Unload[] due = {null};
        OF_MODELS.computeIfPresent(invocation.model, (name, traffic) -> {
            if (traffic.invocations.remove(invocation) && traffic.invocations.isEmpty()) {
                due[0] = traffic.unload;
            }
            return traffic.unlessEmpty();
        });
        if (due[0] != null) {
            due[0].go();
        }
    }

    /** Have something done at the end of a model's UNLOAD; false if there is none. */
    static boolean waitForUnload(String model, Runnable then) {
        boolean[] isWaiting = {false};
        OF_MODELS.computeIfPresent(model, (name, traffic) -> {
            isWaiting[0] = traffic.unload != null && traffic.waiting.add(then);
            return traffic;
        });
        return isWaiting[0];
    }

    /** Accept no more invocations of a model; false if there is another UNLOAD of it already. */
    static boolean begin(Unload unload) {
        boolean[] isBegun = {false};
        boolean[] isDue = {false};
        OF_MODELS.compute(unload.model, (name, known) -> {
            ModelTraffic traffic = known == null ? new ModelTraffic() : known;
            if (traffic.unload == null) {
                traffic.unload = unload;
                isBegun[0] = true;
                isDue[0] = traffic.invocations.isEmpty();
            }
            return traffic;
        });
        if (isDue[0]) {
            unload.go();
        }
        return isBegun[0];
    }

    /** An UNLOAD is done: what has waited for it goes on. */
    static void ended(Unload unload) {
        List<Runnable> then = new ArrayList<>();
        OF_MODELS.computeIfPresent(unload.model, (name, traffic) -> {
            if (traffic.unload == unload) {
                traffic.unload = null;
                then.addAll(traffic.waiting);
                traffic.waiting.clear();
            }
            return traffic.unlessEmpty();
        });
        then.forEach(Runnable::run);
    }

    /** The invocations of a model that are under way. */
    static List<Invocation> invocationsOf(String model) {
        List<Invocation> found = new ArrayList<>();
        OF_MODELS.computeIfPresent(model, (name, traffic) -> {
            found.addAll(traffic.invocations);
            return traffic;
        });
        return found;
    }

    /** The names of all models with which something is under way. */
    static Set<String> models() {
        return OF_MODELS.keySet();
    }

    private ModelTraffic unlessEmpty() {
        return unload == null && invocations.isEmpty() ? null : this;
    }
}
