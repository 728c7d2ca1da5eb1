using System.Text.Json;
using Lorq.Caching;
using Lorq.Menu;
using Lorq.Reports;

namespace Lorq.Profiling;

/// <summary>Run times of files that were written before, on this machine: a run that repeats another need not time its file again.</summary>
/// <param name="cache">Where they are kept.</param>
internal sealed class KeptSpeed(CacheProfile cache)
{
    /// <summary>The times of a decision's file, from an earlier run or measured now.</summary>
    /// <param name="decision">What is in the file.</param>
    /// <param name="target">How it is written.</param>
    /// <param name="threads">Threads inside an operator.</param>
    /// <param name="measure">Measures.</param>
    public SpeedFacts GetOrMeasure(Decision decision, string target, int threads, Func<SpeedFacts> measure)
    {
        var key = new CacheKey(
            "speed",
            new ContentHash()
                .Add(decision.Solved.Plan.Digest)
                .Add(decision.LossBeforeRefinement is null ? "" : "refined")
                .Add([.. decision.Weights.Where(w => w.ExactActivations).Select(w => w.Site.Name)])
                .Add(target)
                .Add(threads)
                .Add(Environment.MachineName)
                .Add(SpeedMeasurement.Processor())
                .Finish()
        );
        if (cache.TryRead(key, out byte[] bytes) && Read(bytes) is { } known)
        {
            return known with { IsEarlier = true };
        }
        SpeedFacts measured = measure();
        cache.Write(key, JsonSerializer.SerializeToUtf8Bytes(measured, ReportJson.Default.SpeedFacts));
        return measured;
    }

    private static SpeedFacts? Read(byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, ReportJson.Default.SpeedFacts);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
