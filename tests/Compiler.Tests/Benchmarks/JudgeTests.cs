using Lorq.Benchmarks.Judges;
using Lorq.Benchmarks.Suites;
using Lorq.Benchmarks.Tools;

namespace Lorq.Tests.Benchmarks;

/// <summary>The judges judge right: known answers on small inputs, and on the real originals.</summary>
public sealed class JudgeTests
{
    [Fact]
    public void A_sentence_embedding_ignores_padding_and_has_length_one()
    {
        float[] states = [3, 0, 1, 8, 100, 100];
        float[] embedding = SentenceJudge.Pool(states, [1, 1, 0]);
        Assert.Equal([4 / MathF.Sqrt(80), 8 / MathF.Sqrt(80)], embedding, (a, b) => MathF.Abs(a - b) < 1e-6f);
    }

    [Fact]
    public void Reciprocal_rank_counts_documents_that_are_closer()
    {
        // Query 0 finds its document first, query 1 second.
        float[][] embeddings =
        [
            [1, 0],
            [0, 1],
            [1, 0.9f],
            [0.5f, 0.5f],
        ];
        Assert.Equal((1 + 0.5) / 2, SentenceJudge.ReciprocalRank(embeddings), 1e-12);
    }

    [Fact]
    public void Equal_logits_cost_the_logarithm_of_the_vocabulary()
    {
        (double sum, int count) = PerplexityJudge.LogLoss(new float[2 * 3 * 5], [0, 1, 2, 3, 4, 0], length: 3, classes: 5);
        Assert.Equal(4, count);
        Assert.Equal(4 * Math.Log(5), sum, 1e-5);
    }

    [Fact]
    public void A_token_is_predicted_from_the_one_before_it_in_its_own_window()
    {
        // Certain and right at every position but the last of each window, which predicts nothing.
        long[] tokens = [0, 1, 2, 2, 1, 0];
        var logits = new float[tokens.Length * 3];
        for (int p = 0; p < tokens.Length; p++)
        {
            logits[3 * p + (p % 3 == 2 ? 0 : (int)tokens[p + 1])] = 1000;
        }
        (double sum, int count) = PerplexityJudge.LogLoss(logits, tokens, length: 3, classes: 3);
        Assert.Equal(4, count);
        Assert.Equal(0, sum, 1e-6);
    }

    [Fact]
    public void A_budget_in_percent_is_a_share_of_the_original()
    {
        Assert.Equal(2_705_580, new Bar("ppocr", "ort", "25%", 0, "").MostBytes(10_822_323));
        Assert.Equal(14_666_000, new Bar("minilm", "ort", "14666000", 0, "").MostBytes(1));
    }

    [SkippableTheory]
    [InlineData("minilm")]
    [InlineData("pygpt")]
    [InlineData("ppocr")]
    public void The_originals_reach_what_their_readmes_state(string model)
    {
        SharedModels? models = SharedModels.Find();
        Skip.If(models is null, "The real models (../shared/models) are not here.");
        Assert.All(
            models!.Judge(model).CheckOriginal(default),
            figure => Assert.True(figure.Agrees, $"{figure.What}: {figure.Measured}, expected {figure.Expected}")
        );
    }
}
