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
        ReferenceOutputs reference;
        using (var original = new ModelRunner(model.Path, threads))
        {
            reference = Divergence.Reference(
                original,
                calibration.HeldOut,
                calibration.Mask,
                threads: threads,
                cancellationToken: cancellationToken
            );
        }
        double Loss(Decision trial, ActivationMode mode)
        {
            using (OnnxModel rewritten = emission.Rewrite(model, trial.Weights, cancellationToken))
            {
                rewritten.Save(path, save, cancellationToken);
            }
            using var runner = new ModelRunner(path, threads, options => options.AddLorqOperators(mode));
            return Divergence.Measure(reference, runner, calibration.HeldOut, threads, cancellationToken).Loss;
        }
        double exact = Loss(decision, ActivationMode.Exact);
        double allowed = Math.Max(0, Math.Min(AllowedShare * exact, (maxLoss ?? double.PositiveInfinity) - exact));
        var products = new RoundedProduct[rounding.Length];
        for (int i = 0; i < products.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress.Report(new StageProgress("rounding errors", i, products.Length, rounding[i].Site.Name));
            products[i] = Predicted(rounding[i].Site, decision, calibration.Result);
        }
        var losses = new List<double>();
        bool[] chosen = ExactProducts.Choose(
            products,
            allowed,
            marks =>
            {
                losses.Add(Loss(Marked(decision, rounding.Where((_, i) => marks[i])), ActivationMode.Int8));
                return losses[^1] - exact;
            }
        );
        int count = chosen.Count(c => c);
        double loss = count == chosen.Length ? exact : losses[^1];
        return Marked(decision, rounding.Where((_, i) => chosen[i])) with
        {
            Rounding = new RoundingFacts(products.Length, count, loss, exact, losses[0]),
        };
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
}
