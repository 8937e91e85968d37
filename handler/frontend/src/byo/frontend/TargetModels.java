package byo.frontend;

import com.amazonaws.ml.mms.wlm.ModelManager;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * What SageMaker calls each model, beside the name in the path; an invocation whose two don't agree
 * is refused.
 *
 * <p>SageMaker sends X-Amzn-SageMaker-Target-Model, the path of the artifact that a caller named,
 * with LOAD and with each invocation. The name in the path is its own, a hash as a rule. So they
 * agree if the header is that of the LOAD. Where that had none, the header has to be the name with
 * or without folders and ending; but a name that looks like a hash can't be compared to anything.
 */
final class TargetModels {

    static final String HEADER = "X-Amzn-SageMaker-Target-Model";

    /** Beyond as many more than are loaded, those whose LOAD has failed are forgotten. */
    private static final int SPARE = 256;

    private static final int LONGEST_QUOTE = 80;
    private static final Pattern HASH = Pattern.compile("[0-9a-fA-F]{32,}");
    private static final Map<String, String> LOADED_AS = new ConcurrentHashMap<>();

    private TargetModels() {}

    /** The answer to an invocation that contradicts itself, or null. */
    static Answer refusal(HttpRequest request, Target target) {
        String wanted = request.headers().get(HEADER);
        String name = wanted == null ? null : target.invokedModel();
        // That a model is not loaded is what SageMaker has to know first.
        if (name == null || !isLoaded(name) || agree(name, wanted)) {
            return null;
        }
        String known = LOADED_AS.get(name);
        return Answer.problem(
                HttpResponseStatus.BAD_REQUEST,
                "the path names model " + quoted(name)
                        + (known == null ? "" : ", loaded as " + quoted(known))
                        + ", " + HEADER + " names " + quoted(wanted) + ": both must mean one model");
    }

    /** A model is about to be loaded. */
    static void loading(String name, String wanted) {
        if (isLoaded(name)) {
            return; // it is refused, and changes nothing
        }
        if (wanted == null) {
            LOADED_AS.remove(name);
            return;
        }
        Map<String, ?> loaded = ModelManager.getInstance().getModels();
        if (LOADED_AS.size() > loaded.size() + SPARE) {
            LOADED_AS.keySet().retainAll(loaded.keySet());
        }
        LOADED_AS.put(name, wanted);
    }

    /** A model is about to be unloaded. */
    static void unloading(String name) {
        LOADED_AS.remove(name);
    }

    private static boolean isLoaded(String name) {
        return ModelManager.getInstance().getModels().containsKey(name);
    }

    private static boolean agree(String name, String wanted) {
        String known = LOADED_AS.get(name);
        if (known != null ? known.equals(wanted) : HASH.matcher(name).matches()) {
            return true;
        }
        String file = wanted.substring(wanted.lastIndexOf('/') + 1);
        return wanted.equals(name)
                || without(wanted, ".tar.gz").equals(name)
                || file.equals(name)
                || without(file, ".tar.gz").equals(name);
    }

    private static String without(String text, String ending) {
        return text.endsWith(ending) ? text.substring(0, text.length() - ending.length()) : text;
    }

    private static String quoted(String text) {
        String shown = text.replaceAll("\\p{Cntrl}", "?");
        if (shown.length() > LONGEST_QUOTE) {
            shown = shown.substring(0, LONGEST_QUOTE) + "...";
        }
        return "'" + shown + "'";
    }
}
