"""Stable Diffusion models with random weights, as small as their classes allow."""

import json

import torch

#: Side that it paints, and pixels of a side of a cell of its denoiser.
SIZE, CELL = 64, 8
_WIDTH = 8
_BLOCKS = dict(
    block_out_channels=(4, 4),
    down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
    layers_per_block=1,
    norm_num_groups=2,
    cross_attention_dim=_WIDTH,
    attention_head_dim=2,
)
# It has two text encoders, and is given sizes.
_XL = dict(
    cross_attention_dim=2 * _WIDTH,
    addition_embed_type='text_time',
    addition_time_embed_dim=2,
    projection_class_embeddings_input_dim=_WIDTH + 6 * 2,
)


def make_pipeline(folder, kind='inpainting', seed=0):
    """Saves a whole pipeline in the layout of diffusers; returns its folder.

    Kinds are 'inpainting' and 'plain', as Stable Diffusion 1 and 2, and 'xl'.
    """
    import diffusers
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    tokenizer = _tokenizer(folder.parent / f'{folder.name}_tokenizer')
    torch.manual_seed(seed)
    parts = dict(
        tokenizer=tokenizer,
        text_encoder=CLIPTextModel(_text_config(tokenizer)),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        vae=diffusers.AutoencoderKL(
            block_out_channels=(4, 4, 4, 4),
            down_block_types=('DownEncoderBlock2D',) * 4,
            up_block_types=('UpDecoderBlock2D',) * 4,
            norm_num_groups=2,
            latent_channels=4,
        ),
    )
    unet = dict(_BLOCKS, sample_size=SIZE // CELL, in_channels=4)
    if kind == 'xl':
        parts['tokenizer_2'] = tokenizer
        parts['text_encoder_2'] = CLIPTextModelWithProjection(_text_config(tokenizer))
        unet.update(_XL, in_channels=9)
        pipeline = diffusers.StableDiffusionXLInpaintPipeline
    else:
        parts.update(safety_checker=None, feature_extractor=None)
        parts.update(requires_safety_checker=False)
        pipeline = diffusers.StableDiffusionPipeline
        if kind == 'inpainting':
            unet.update(in_channels=9)
            pipeline = diffusers.StableDiffusionInpaintPipeline
    parts['unet'] = diffusers.UNet2DConditionModel(
        up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'), **unet
    )
    pipeline(**parts).save_pretrained(folder, safe_serialization=True)
    return folder


def make_controlnet(folder, kind='plain', seed=1):
    """Saves a ControlNet that fits pipelines of a kind; returns its folder."""
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    model = ControlNetModel(
        in_channels=4,
        conditioning_embedding_out_channels=(4, 4, 4, 4),
        **{**_BLOCKS, **(_XL if kind == 'xl' else {})},
    )
    # New ones end in zeros, and change nothing.
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=3.0)
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def _text_config(tokenizer):
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        projection_dim=_WIDTH,
        intermediate_size=_WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def _tokenizer(folder):
    """Makes a tokenizer that knows bytes alone."""
    from transformers import CLIPTokenizer
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f'{letter}</w>' for letter in letters)]
    tokens += ['<|startoftext|>', '<|endoftext|>']
    folder.mkdir(parents=True)
    vocabulary, merges = folder / 'vocab.json', folder / 'merges.txt'
    vocabulary.write_text(json.dumps({t: number for number, t in enumerate(tokens)}))
    merges.write_text('#version: 0.2\n')
    return CLIPTokenizer(str(vocabulary), str(merges), model_max_length=77)
