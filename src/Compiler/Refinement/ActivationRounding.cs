using System.Numerics.Tensors;
using Lorq.Calibration;
using Lorq.Checks;
using Lorq.Menu;
using Lorq.Models;
using Lorq.Quantization;
using Lorq.Rewriting;
using Lorq.Runtime;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Refinement;

/// <summary>What became of the products that would round their activations to int8.</summary>
/// <param name="Products">How many there are.</param>
/// <param name="Exact">How many take them exactly instead.</param>
/// <param name="Loss">The loss on held-out samples, run by Lorq's operators; null without data or where nothing was to be chosen.</param>
/// <param name="LossOfExact">The same with all activations exact.</param>
/// <param name="LossOfRounded">The same with all of them rounded.</param>
public sealed record RoundingFacts(int Products, int Exact, double? Loss, double? LossOfExact, double? LossOfRounded);

/// <summary>
/// Decides which products take their activations exactly. Rounding to int8 makes products faster and loses little, most of it in a few of them: with
/// these exact, the rest can be rounded for a few per cent of the file's loss.
/// </summary>
/// <param name="model">The original model.</param>
/// <param name="emission">Writes the weights.</param>
/// <param name="path">Where trials are written.</param>
/// <param name="save">How they are saved.</param>
/// <param name="threads">Threads; 0 for one per core.</param>
internal sealed class ActivationRounding(OnnxModel model, IEmission emission, string path, SaveOptions save, int threads)
{
    /// <summary>Share of the file's own loss that rounding may add on the held-out samples.</summary>
    private const double AllowedShare = 0.02;

    /// <summary>Samples that single products are measured on.</summary>
    private const int FewSamples = 16;

    /// <summary>Activations that share a scale.</summary>
    private const int Run = 32;

    /// <summary>Marks the weights whose products are exact.</summary>
    /// <param name="decision">The weights.</param>
    /// <param name="choice">What the user wants.</param>
    /// <param name="calibration">Moments, and samples kept aside; null without data: nothing is exact then unless the user wants everything to be.</param>
    /// <param name="maxLoss">What the file may lose with its activations rounded; null for no limit.</param>
    /// <param name="progress">Begins a stage when there is something to measure.</param>
    /// <param name="cancellationToken">Stops.</param>
    public Decision Choose(
        Decision decision,
        ActivationChoice choice,
        CalibrationRun? calibration,
        double? maxLoss,
        StageClock progress,
        CancellationToken cancellationToken
    )
    {
        CompressedWeight[] rounding = [.. decision.Weights.Where(Rounds)];
        if (rounding.Length == 0)
        {
            return decision;
        }
        if (choice != ActivationChoice.Auto || calibration is null)
        {
            CompressedWeight[] exact = choice == ActivationChoice.Exact ? rounding : [];
            return Marked(decision, exact) with { Rounding = new RoundingFacts(rounding.Length, exact.Length, null, null, null) };
        }
        progress.Begin("Activations");
        return Measured(decision, rounding, calibration, maxLoss, progress, cancellationToken);
    }

    /// <summary>
    /// Relative output error of a site whose inputs are rounded: per run of 32 the step is max|x|/127, its errors are independent and evenly spread, so
    /// <c>Σ_k E[step²]/12·‖W_k‖² / tr(WᵀHW)</c>. E[max x²] is not known; the 4-norm of the run's E[x²] stands for it, which is right up to a factor
    /// that is much the same everywhere.
    /// </summary>
    public static double RelativeError(SecondMoment moment, ReadOnlySpan<float> weight, int n)
    {
        double error = 0;
        for (int start = 0; start < moment.K; start += Run)
        {
            int end = Math.Min(start + Run, moment.K);
            double fourth = 0;
            for (int k = start; k < end; k++)
            {
                fourth += Math.Pow(moment.Diagonal[k], 4);
            }
            error += Math.Sqrt(Math.Sqrt(fourth)) * TensorPrimitives.SumOfSquares(weight[(start * n)..(end * n)]);
        }
        double energy = moment.Energy(weight, n);
        return energy > 0 ? error / (12.0 * sbyte.MaxValue * sbyte.MaxValue) / energy : 0;
    }

    private Decision Measured(
        Decision decision,
        CompressedWeight[] rounding,
        CalibrationRun calibration,
        double? maxLoss,
        StageClock progress,
        CancellationToken cancellationToken
    )
    {
        Samples all = Original(calibration.HeldOut, calibration.Mask, cancellationToken);
        double LossWith(Samples samples, Func<int, bool> isExact)
        {
            Write(Marked(decision, rounding.Where((_, i) => isExact(i))), cancellationToken);
            return Loss(samples, ActivationMode.Int8, cancellationToken);
        }

        // A file without exact products serves both ways: the session says how it runs.
        Write(decision, cancellationToken);
        double exact = Loss(all, ActivationMode.Exact, cancellationToken);
        double allowed = Math.Max(0, Math.Min(AllowedShare * exact, (maxLoss ?? double.PositiveInfinity) - exact));
        double rounded = Loss(all, ActivationMode.Int8, cancellationToken);
        double loss = rounded;
        bool[] chosen = new bool[rounding.Length];
        if (rounded - exact > allowed)
        {
            RoundedProduct[] products = [.. rounding.Select(w => Predicted(w.Site, decision, calibration.Result))];
            (Samples few, double fewExact, double fewRounded) = (all, exact, rounded);
            if (calibration.HeldOut.Samples > FewSamples)
            {
                few = Original(calibration.HeldOut.First(FewSamples), calibration.Mask, cancellationToken);
                fewExact = Loss(few, ActivationMode.Exact, cancellationToken);
                fewRounded = Loss(few, ActivationMode.Int8, cancellationToken);
            }
            int measured = 0;
            products = ExactProducts.Corrected(
                products,
                allowed / (rounded - exact),
                i =>
                {
                    progress.Report(new StageProgress("single products", measured++, products.Length, rounding[i].Site.Name));
                    return fewRounded > fewExact ? (LossWith(few, j => j != i) - fewExact) / (fewRounded - fewExact) : 0;
                }
            );
            chosen = ExactProducts.Choose(
                products,
                allowed,
                marks =>
                {
                    loss = Array.IndexOf(marks, true) < 0 ? rounded : LossWith(all, i => marks[i]);
                    return loss - exact;
                }
            );
        }
        int count = chosen.Count(c => c);
        return Marked(decision, rounding.Where((_, i) => chosen[i])) with
        {
            Rounding = new RoundingFacts(rounding.Length, count, count == chosen.Length ? exact : loss, exact, rounded),
        };
    }

    private Samples Original(DataSet data, string? mask, CancellationToken cancellationToken)
    {
        using var original = new ModelRunner(model.Path, threads);
        return new Samples(data, Divergence.Reference(original, data, mask, threads: threads, cancellationToken: cancellationToken));
    }

    private void Write(Decision trial, CancellationToken cancellationToken)
    {
        using OnnxModel rewritten = emission.Rewrite(model, trial.Weights, cancellationToken);
        rewritten.Save(path, save, cancellationToken);
    }

    /// <summary>The loss of the file that was written last, run by Lorq's operators.</summary>
    private double Loss(Samples samples, ActivationMode mode, CancellationToken cancellationToken)
    {
        using var runner = new ModelRunner(path, threads, options => options.AddLorqOperators(mode));
        return Divergence.Measure(samples.Reference, runner, samples.Data, threads, cancellationToken).Loss;
    }

    private static RoundedProduct Predicted(Site site, Decision decision, CalibrationResult calibration)
    {
        double work = (double)site.Count * site.Uses.Count(u => u.Kind != SiteKind.Gather);
        if (calibration.For(site)?.Moments is not [var moment])
        {
            return new RoundedProduct(0, work);
        }
        double error = RelativeError(moment, site.ReadWeight(), site.N);
        moment.ReleaseFactors();
        return new RoundedProduct(decision.Omega.GetValueOrDefault(site.Name, 1) * error, work);
    }

    private bool Rounds(CompressedWeight weight) =>
        weight.Encoding is Encoding.Quantized { Grid: var grid }
        && weight.Segments.Count == 1
        && emission.RoundsActivations(model, weight.Site, grid);

    private static Decision Marked(Decision decision, IEnumerable<CompressedWeight> exact)
    {
        var marked = exact.Select(w => w.Site).ToHashSet();
        return decision with { Weights = [.. decision.Weights.Select(w => w with { ExactActivations = marked.Contains(w.Site) })] };
    }

    /// <summary>Samples and the original's outputs on them.</summary>
    private sealed record Samples(DataSet Data, ReferenceOutputs Reference);
}
